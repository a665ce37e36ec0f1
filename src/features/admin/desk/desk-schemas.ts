import { t } from "elysia";
import { ACTIONS } from "../../../platform/config/catalogue.ts";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { AUDIT_ACTIONS, AUDIT_SUBJECTS } from "../../audit/index.ts";
import { OPERATOR_ROLES } from "../../auth/index.ts";
import { LANGUAGES } from "../../profile/index.ts";
import { Count, Id, Kopecks, listQuery, Moment, PersonRef } from "../schemas.ts";

/** Ours have 43 letters. */
const LINK_LENGTH_MAX = 100;

export const SignInBody = t.Object(
  { token: t.String({ minLength: 1, maxLength: LINK_LENGTH_MAX, description: "What stands behind `#link=`." }) },
  closed,
);

export const MeAnswer = t.Object(
  { person: PersonRef, role: oneOf(OPERATOR_ROLES), language: oneOf(LANGUAGES) },
  { ...closed, title: "AdminMe" },
);

export const OperatorsAnswer = t.Object(
  {
    items: t.Array(
      t.Object(
        {
          person: PersonRef,
          role: oneOf(OPERATOR_ROLES),
          by_setting: t.Boolean({ description: "Named by `ADMIN_TELEGRAM_IDS`; no command takes that away." }),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const AuditQuery = listQuery({
  operator: t.Optional(t.String({ maxLength: 64, description: "The id of whoever did it." })),
  person: t.Optional(t.String({ maxLength: 64, description: "The id of whom it is about." })),
  subject_id: t.Optional(t.String({ maxLength: 64 })),
  action: t.Optional(oneOf(AUDIT_ACTIONS)),
});

const Facts = t.Nullable(
  t.Record(t.String(), t.Union([t.String(), t.Number(), t.Boolean(), t.Null()]), { examples: [{}] }),
  { examples: [{ balance: 20 }] },
);

export const AuditRow = t.Object(
  {
    id: Id,
    operator: t.Nullable(PersonRef, { description: "Null for a command typed at the server.", examples: [null] }),
    action: oneOf(AUDIT_ACTIONS),
    subject: oneOf(AUDIT_SUBJECTS),
    subject_id: t.Nullable(Id, { examples: [null] }),
    person: t.Nullable(PersonRef, { description: "Whom it is about.", examples: [null] }),
    reason: t.String({ examples: ["ticket 4711"] }),
    before: Facts,
    after: Facts,
    request_id: t.Nullable(t.String(), { examples: [null] }),
    created_at: Moment,
  },
  { ...closed, title: "AdminAuditRow" },
);

export const CatalogueAnswer = t.Object(
  {
    actions: t.Array(t.Object({ key: oneOf(ACTIONS), credits: Count }, closed)),
    packs: t.Array(t.Object({ key: t.String(), credits: Count, price_kopecks: Kopecks }, closed)),
    plans: t.Array(t.Object({ key: t.String(), credits: Count, price_kopecks: Kopecks }, closed)),
    free_actions_per_month: Count,
    auto_renewal: t.Boolean(),
    shop: t.Boolean({ description: "Whether anything can be bought." }),
    file: t.Boolean({ description: "Whether a file of the owner's stands in for the embedded catalogue." }),
  },
  { ...closed, title: "AdminCatalogue" },
);

export const HEALTH_STATES = ["ok", "warning", "failed"] as const;

export const HealthAnswer = t.Object(
  {
    status: oneOf(HEALTH_STATES),
    version: t.String({ examples: ["0.1.0"] }),
    at: Moment,
    checks: t.Array(
      t.Object(
        {
          name: t.String({ examples: ["queue"] }),
          status: oneOf(HEALTH_STATES),
          text: t.String({ examples: ["3 due."] }),
          ms: Count,
        },
        closed,
      ),
    ),
    alerts: t.Array(
      t.Object(
        {
          id: Id,
          level: oneOf(["warning", "critical"]),
          reason: t.String({ examples: ["kie_low_balance"] }),
          details: t.Record(t.String(), t.Unknown(), { examples: [{}] }),
          created_at: Moment,
        },
        closed,
      ),
      { description: "What the owner was told of in the last 24 hours, at most 20." },
    ),
  },
  { ...closed, title: "AdminHealth" },
);
