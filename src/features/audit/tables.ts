import { id, index, json, moment, oneOf, table, text } from "../../platform/db/columns.ts";
import { users } from "../profile/tables.ts";

/** Everything that an operator can change. Stored rows name these words, so one never changes its meaning. */
export const AUDIT_ACTIONS = [
  "operator.role",
  "operator.link",
  "operator.sign_in",
  "person.grant",
  "person.ban",
  "person.unban",
  "person.logout",
  "person.message",
  "payment.refund",
  "tax.register",
  "tax.annul",
  "generation.retry",
  "generation.release",
  "job.retry",
  "job.park",
  "jobs.retry_parked",
  "maintenance.switch",
  "broadcast.create",
  "broadcast.change",
  "broadcast.test",
  "broadcast.start",
  "broadcast.stop",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What a change was made to. */
export const AUDIT_SUBJECTS = [
  "person",
  "payment",
  "tax_entry",
  "generation",
  "job",
  "queue",
  "server",
  "broadcast",
] as const;
export type AuditSubject = (typeof AUDIT_SUBJECTS)[number];

/** A few numbers and words of ours: never a secret, a photo, a prompt or a name. */
export type AuditFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Who changed what, and why. Append-only: rows are inserted in the transaction of the change, and nothing but the erasure
 * of a person, which takes the words out of what was done about them, ever touches one.
 */
export const auditEntries = table(
  "audit_entries",
  {
    id: id("id").primaryKey(),
    /** Null for a command typed at the server. */
    operatorId: id("operator_id").references(() => users.id),
    action: oneOf("action", AUDIT_ACTIONS).notNull(),
    subject: oneOf("subject", AUDIT_SUBJECTS).notNull(),
    /** The row that was changed, by the id of its table; null where it is none. */
    subjectId: id("subject_id"),
    /** Whom the change is about, where it is about a person. */
    personId: id("person_id").references(() => users.id),
    reason: text("reason").notNull(),
    before: json<AuditFacts>("before"),
    after: json<AuditFacts>("after"),
    requestId: text("request_id"),
    createdAt: moment("created_at").notNull(),
  },
  (entry) => [
    index("audit_entries_operator").on(entry.operatorId, entry.id),
    index("audit_entries_action").on(entry.action, entry.id),
    index("audit_entries_person").on(entry.personId, entry.id),
    index("audit_entries_subject").on(entry.subjectId, entry.id),
  ],
);
