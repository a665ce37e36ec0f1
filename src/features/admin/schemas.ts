import { type TSchema, t } from "elysia";
import { closed, IdSchema, PageQuerySchema } from "../../platform/http/schemas.ts";
import { REASON_LENGTH_MAX } from "../audit/index.ts";

export const Moment = t.String({ format: "date-time" });
export const Id = t.String({ format: "uuid" });
export const IdParams = t.Object({ id: IdSchema });
/** A day of Moscow's calendar. */
export const Day = t.String({ pattern: "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$", examples: ["2026-11-22"] });
/** A month of Moscow's calendar. */
export const Month = t.String({ pattern: "^\\d{4}-(0[1-9]|1[0-2])$", examples: ["2026-11"] });
/** May be less than nothing where it is a difference. */
export const Kopecks = t.Integer({ description: "Kopecks.", examples: [14_900] });
export const Count = t.Integer({ minimum: 0, examples: [12] });

/** Why something is changed; it stands in the audit trail. */
export const Reason = t.String({
  minLength: 3,
  maxLength: REASON_LENGTH_MAX,
  pattern: "\\S",
  description: "Why; it stands in the audit trail.",
  examples: ["ticket 4711"],
});
export const ReasonBody = t.Object({ reason: Reason }, closed);

/** A page of a list. */
export function pageSchema<Item extends TSchema>(item: Item) {
  return t.Object({ items: t.Array(item), next_cursor: t.Nullable(t.String(), { examples: [null] }) }, closed);
}

/** The query of a list with its filters. */
export function listQuery<Filters extends Record<string, TSchema>>(filters: Filters) {
  return t.Object({ ...PageQuerySchema, ...filters }, closed);
}

/** Somebody, as lists name them. */
export const PersonRef = t.Object(
  {
    id: Id,
    telegram_id: t.Nullable(t.Integer(), {
      description: "Null once they have erased themselves.",
      examples: [100_001],
    }),
    name: t.String({ description: "As Telegram says it; empty once they have erased themselves.", examples: ["Anna"] }),
    username: t.Nullable(t.String(), { examples: ["anna"] }),
  },
  { ...closed, title: "AdminPersonRef" },
);
