import { Elysia, t } from "elysia";
import { cursorPage, pageOf } from "../../platform/http/page.ts";
import { closed, NoQuerySchema, oneOf, PageQuerySchema } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { balanceEntries, balanceOf } from "./ledger/balance.ts";
import { ENTRY_KINDS } from "./tables.ts";

const Moment = t.String({ format: "date-time" });

const BalanceSchema = t.Object(
  {
    credits: t.Integer({ minimum: 0, description: "Can be spent now.", examples: [18] }),
    reserved: t.Integer({ minimum: 0, description: "Held for pictures in work.", examples: [2] }),
    free_actions: t.Object(
      { limit: t.Integer({ examples: [10] }), used: t.Integer({ examples: [10] }), renews_at: Moment },
      closed,
    ),
    subscription: t.Nullable(
      t.Object({ type: t.String(), ends_at: Moment, credits_left: t.Integer(), auto_renew: t.Boolean() }, closed),
      { examples: [null] },
    ),
    next_expiry: t.Nullable(t.Object({ credits: t.Integer({ examples: [18] }), at: Moment }, closed)),
  },
  { ...closed, title: "Balance" },
);

const EntrySchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    kind: oneOf(ENTRY_KINDS, { examples: ["hold"] }),
    action: t.String({ examples: ["fitting"] }),
    credits: t.Integer({
      description: "What the line added to or took from the credits that can be spent.",
      examples: [-2],
    }),
    reserved: t.Integer({ examples: [2] }),
    free_action: t.Integer({ description: "-1 taken, 1 given back." }),
    hold_id: t.Nullable(t.String({ description: "Charge and release of one operation share it." }), {
      examples: ["0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c"],
    }),
    created_at: Moment,
  },
  { ...closed, title: "BalanceEntry" },
);

/** What a person can spend, and how it came to be. */
export function balanceRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/balance", tags: ["balance"] })
    .use(guarded)
    .get("/", ({ person, ctx }) => balanceOf(ctx, person), {
      signedIn: "read",
      query: NoQuerySchema,
      response: { 200: BalanceSchema },
      detail: { summary: "Credits, free actions and subscription" },
    })
    .get(
      "/entries",
      async ({ query, person, ctx }) => {
        const { before, limit } = pageOf(query);
        return cursorPage(await balanceEntries(ctx, person.id, { before, limit: limit + 1 }), limit);
      },
      {
        signedIn: "read",
        query: t.Object(PageQuerySchema, closed),
        response: {
          200: t.Object(
            { items: t.Array(EntrySchema), next_cursor: t.Nullable(t.String(), { examples: [null] }) },
            closed,
          ),
        },
        detail: { summary: "Credit history, newest first" },
      },
    );
}
