import { Elysia } from "elysia";
import type { guard } from "../../auth/guard.ts";
import { economyOf } from "./economy.ts";
import { monthsOf, overviewOf } from "./overview.ts";
import {
  DAYS_DEFAULT,
  EconomyAnswer,
  MONTHS_DEFAULT,
  MonthsAnswer,
  MonthsQuery,
  OverviewAnswer,
  OverviewQuery,
} from "./overview-schemas.ts";

/** How the product does: money, people, pictures, and what they cost. */
export function overviewRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/overview", tags: ["admin"] })
    .use(guarded)
    .get("/", ({ query, ctx }) => overviewOf(ctx, query.days ?? DAYS_DEFAULT), {
      viewer: "read",
      query: OverviewQuery,
      response: { 200: OverviewAnswer },
      detail: {
        summary: "The figures by day",
        description: "Counted anew every minute for today and yesterday, and for whatever day a payment changed on.",
      },
    })
    .get("/months", ({ query, ctx }) => monthsOf(ctx, query.months ?? MONTHS_DEFAULT), {
      viewer: "read",
      query: MonthsQuery,
      response: { 200: MonthsAnswer },
      detail: { summary: "The figures by month" },
    })
    .get("/economy", ({ query, ctx }) => economyOf(ctx, query.days ?? DAYS_DEFAULT), {
      viewer: "read",
      query: OverviewQuery,
      response: { 200: EconomyAnswer },
      detail: { summary: "What an action costs and what each plan leaves" },
    });
}
