import { t } from "elysia";
import { closed } from "../../platform/http/schemas.ts";

/** An erasure has to be meant: credits and a subscription are lost with it. */
export const EraseBodySchema = t.Object(
  { confirm: t.Literal("erase", { description: "Says that it is meant: nothing of it can be undone." }) },
  closed,
);

const RowsSchema = (description: string, example: Record<string, number>) =>
  t.Record(t.String(), t.Integer({ minimum: 1 }), { description, examples: [example] });

/** What was erased. Nothing in it leads to the person. */
export const ErasureReceiptSchema = t.Object(
  {
    receipt_id: t.String({ format: "uuid" }),
    erased_at: t.String({ format: "date-time" }),
    deleted: RowsSchema("Rows that are gone, by table.", { sessions: 2, chat_history: 1 }),
    anonymised: RowsSchema("Rows that stay, without anything personal in them, by table.", { users: 1, payments: 3 }),
    files: t.Integer({ minimum: 0, description: "Pictures: unreadable from now on, deleted within minutes." }),
    credits_forfeited: t.Integer({ minimum: 0 }),
    subscription_ended: t.Boolean(),
  },
  { ...closed, title: "ErasureReceipt" },
);
