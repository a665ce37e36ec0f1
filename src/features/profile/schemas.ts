import { t } from "elysia";
import { LANGUAGES, SUBSCRIPTION_TYPES, WRITE_STATES } from "./tables.ts";

const closed = { additionalProperties: false };

/** A person. */
export const ProfileSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    telegram_id: t.Integer(),
    first_name: t.String(),
    last_name: t.Nullable(t.String()),
    username: t.Nullable(t.String()),
    language: t.UnionEnum(LANGUAGES),
    notifications: t.Object({ results: t.Boolean(), news: t.Boolean() }, closed),
    telegram_write_state: t.UnionEnum(WRITE_STATES, { description: "Whether the bot may write to the person." }),
    subscription_type: t.Nullable(t.UnionEnum(SUBSCRIPTION_TYPES)),
    created_at: t.String({ format: "date-time" }),
  },
  closed,
);
