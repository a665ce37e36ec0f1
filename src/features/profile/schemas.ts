import { t } from "elysia";
import { closed, oneOf } from "../../platform/http/schemas.ts";
import { LANGUAGES, SUBSCRIPTION_TYPES, WRITE_STATES } from "./tables.ts";

/** What the person has accepted. */
export const ConsentSchema = t.Object(
  {
    terms_version: t.Nullable(t.String(), { description: "The version in force.", examples: ["2026-11-01"] }),
    terms_url: t.Nullable(t.String(), { examples: ["https://app.example.org/terms"] }),
    accepted_version: t.Nullable(t.String(), { examples: ["2026-11-01"] }),
    accepted_at: t.Nullable(t.String({ format: "date-time" }), { examples: ["2026-11-22T12:00:00.000Z"] }),
    required: t.Boolean({ description: "While true, no photo and no message to the assistant is taken." }),
  },
  { ...closed, title: "Consent" },
);

/** A person. */
export const ProfileSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    telegram_id: t.Integer({ examples: [100_001] }),
    first_name: t.String({ examples: ["Anna"] }),
    last_name: t.Nullable(t.String(), { examples: [null] }),
    username: t.Nullable(t.String(), { examples: ["anna"] }),
    language: oneOf(LANGUAGES),
    notifications: t.Object({ results: t.Boolean(), news: t.Boolean() }, closed),
    telegram_write_state: oneOf(WRITE_STATES, { description: "Whether the bot may write to the person." }),
    subscription_type: t.Nullable(oneOf(SUBSCRIPTION_TYPES), { examples: [null] }),
    consent: ConsentSchema,
    created_at: t.String({ format: "date-time" }),
  },
  { ...closed, title: "Profile" },
);

/** What people may change of themselves; what is left out stays. */
export const PreferencesSchema = t.Object(
  {
    language: t.Optional(oneOf(LANGUAGES)),
    notify_results: t.Optional(t.Boolean({ description: "Messages about pictures." })),
    notify_news: t.Optional(t.Boolean({ description: "Everything else but payments, which are always told." })),
  },
  { ...closed, minProperties: 1, examples: [{ language: "en", notify_news: false }] },
);
