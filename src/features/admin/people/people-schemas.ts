import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { OPERATOR_ROLES } from "../../auth/index.ts";
import { LANGUAGES, SUBSCRIPTION_TYPES, WRITE_STATES } from "../../profile/index.ts";
import { Count, Day, Id, Kopecks, listQuery, Moment, PersonRef, Reason } from "../schemas.ts";
import { GRANT_CREDITS_MAX, GRANTABLE_KINDS } from "./grant.ts";
import { MESSAGE_LENGTH_MAX } from "./message.ts";
import { PEOPLE_FILTERS, SEARCH_LENGTH_MAX } from "./people.ts";

export const PeopleQuery = listQuery({
  search: t.Optional(
    t.String({
      minLength: 1,
      maxLength: SEARCH_LENGTH_MAX,
      description: "A Telegram id, an id of ours, `@` and the beginning of a username, or the beginning of a name.",
      examples: ["@anna"],
    }),
  ),
  only: t.Optional(oneOf(PEOPLE_FILTERS, { description: "Not together with `search`." })),
});

export const PersonRow = t.Object(
  {
    ...PersonRef.properties,
    language: oneOf(LANGUAGES),
    credits: Count,
    reserved: Count,
    subscription_type: t.Nullable(oneOf(SUBSCRIPTION_TYPES), { examples: [null] }),
    subscription_end: t.Nullable(Moment, { examples: [null] }),
    banned_at: t.Nullable(Moment, { examples: [null] }),
    erased_at: t.Nullable(Moment, { examples: [null] }),
    created_at: Moment,
  },
  { ...closed, title: "AdminPersonRow" },
);

const Hold = t.Object(
  {
    id: Id,
    operation: t.String({ examples: ["generation:0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"] }),
    action: t.String({ examples: ["fitting"] }),
    credits: Count,
    free_action: t.Boolean(),
    created_at: Moment,
  },
  closed,
);

const Grant = t.Object(
  {
    id: Id,
    kind: t.String({ examples: ["pack"] }),
    source: t.String({ examples: ["payment:0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"] }),
    credits: Count,
    credits_left: Count,
    expires_at: t.Nullable(Moment, { examples: [null] }),
    created_at: Moment,
  },
  closed,
);

const CardSubscription = t.Object(
  {
    id: Id,
    type: oneOf(SUBSCRIPTION_TYPES),
    state: t.String({ examples: ["active"] }),
    amount_kopecks: Kopecks,
    credits: Count,
    ends_at: Moment,
    auto_renew: t.Boolean(),
    failed_tries: Count,
    next_try_at: t.Nullable(Moment, { examples: [null] }),
  },
  closed,
);

export const PersonCard = t.Object(
  {
    person: PersonRow,
    role: t.Nullable(oneOf(OPERATOR_ROLES), { description: "Of the person in this panel.", examples: [null] }),
    ban_reason: t.Nullable(t.String(), { examples: [null] }),
    write_state: oneOf(WRITE_STATES, { description: "Whether the bot may write to them." }),
    notifications: t.Object({ results: t.Boolean(), news: t.Boolean() }, closed),
    free_actions: t.Object({ limit: Count, used: Count, renews_at: Moment }, closed),
    next_expiry: t.Nullable(t.Object({ credits: Count, at: Moment }, closed), { examples: [null] }),
    assistant_tokens: Count,
    holds: t.Array(Hold, { description: "What is held now." }),
    grants: t.Array(Grant, { description: "The last 20, the newest first." }),
    subscription: t.Nullable(CardSubscription, { description: "The one that runs.", examples: [null] }),
    sessions: t.Array(t.Object({ id: Id, created_at: Moment, expires_at: Moment }, closed)),
    invited: t.Object({ people: Count, credits: Count }, closed),
  },
  { ...closed, title: "AdminPersonCard" },
);

export const EntryRow = t.Object(
  {
    id: Id,
    kind: t.String({ examples: ["grant"] }),
    action: t.String({ examples: ["fitting"] }),
    cause: t.String({ examples: ["grant:payment:0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"] }),
    credits: t.Integer({ examples: [20] }),
    reserved: t.Integer({ examples: [0] }),
    free_action: t.Integer({ examples: [0] }),
    hold_id: t.Nullable(Id, { examples: [null] }),
    created_at: Moment,
  },
  { ...closed, title: "AdminEntryRow" },
);

export const GrantBody = t.Object(
  {
    credits: t.Integer({ minimum: 1, maximum: GRANT_CREDITS_MAX, examples: [20] }),
    kind: t.Optional(oneOf(GRANTABLE_KINDS, { description: "Default: `gift`." })),
    expires_on: t.Optional(Day),
    reason: Reason,
  },
  closed,
);

export const GrantAnswer = t.Object({ credits: Count, balance: Count }, closed);

export const MessageBody = t.Object(
  {
    text: t.String({
      minLength: 1,
      maxLength: MESSAGE_LENGTH_MAX,
      pattern: "\\S",
      description: "Plain text; nothing in it is markup.",
      examples: ["Your picture is ready now."],
    }),
    reason: Reason,
  },
  closed,
);
