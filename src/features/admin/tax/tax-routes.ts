import { Elysia } from "elysia";
import { cursorPage, pageOf } from "../../../platform/http/page.ts";
import { moscowMonth } from "../../../platform/moscow.ts";
import type { guard } from "../../auth/guard.ts";
import { changing, orderOf } from "../change-routes.ts";
import { CSV_RESPONSES, csvAnswer } from "../csv.ts";
import { pageSchema } from "../schemas.ts";
import { annulByOperator, listTaxEntries, registerByOperator, taxCsv, taxEntryRow } from "./tax-entries.ts";
import { taxMonthView } from "./tax-month.ts";
import { RegisterBody, TaxEntriesQuery, TaxEntryRow, TaxMonthAnswer, TaxQuery } from "./tax-schemas.ts";

/** The tax journal of a self-employed seller. */
export function adminTaxRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/tax", tags: ["admin"] })
    .use(guarded)
    .get("/", ({ query, ctx }) => taxMonthView(ctx, query.month ?? moscowMonth(ctx.clock.now())), {
      viewer: "read",
      query: TaxQuery,
      response: { 200: TaxMonthAnswer },
      detail: { summary: "The sums of a month, and the meters", description: "Default: this month, Moscow time." },
    })
    .get(
      "/entries",
      async ({ query, ctx }) => {
        const { before, limit } = pageOf(query);
        const filter = { month: query.month ?? moscowMonth(ctx.clock.now()), state: query.state };
        const lines = await listTaxEntries(ctx, filter, { before, limit: limit + 1 });
        return cursorPage(lines.map(taxEntryRow), limit);
      },
      {
        viewer: "read",
        query: TaxEntriesQuery,
        response: { 200: pageSchema(TaxEntryRow) },
        detail: { summary: "The journal of a month, oldest first" },
      },
    )
    .get(
      "/export",
      ({ query, ctx, set }) => {
        const month = query.month ?? moscowMonth(ctx.clock.now());
        return csvAnswer(taxCsv(ctx, month), `tax-${month}.csv`, String(set.headers["x-request-id"]));
      },
      {
        owner: "generate",
        query: TaxQuery,
        detail: { summary: "The journal of a month as CSV", responses: CSV_RESPONSES },
      },
    )
    .post(
      "/entries/:id/register",
      async (asked) =>
        taxEntryRow(await registerByOperator(asked.ctx, { ...orderOf(asked), receipt: asked.body.receipt })),
      {
        owner: "write",
        ...changing(TaxEntryRow, {
          summary: "Mark a sale as registered by hand",
          refusals: ["not_found", "already_finished"],
        }),
        body: RegisterBody,
      },
    )
    .post("/entries/:id/annul", async (asked) => taxEntryRow(await annulByOperator(asked.ctx, orderOf(asked))), {
      owner: "write",
      ...changing(TaxEntryRow, {
        summary: "Mark a refunded sale as annulled by hand",
        refusals: ["not_found", "already_finished"],
      }),
    });
}
