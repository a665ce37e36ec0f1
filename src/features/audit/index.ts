export {
  AUDIT_ACTIONS,
  AUDIT_SUBJECTS,
  type AuditAction,
  type AuditFacts,
  type AuditSubject,
  auditEntries,
} from "./tables.ts";
export { type Act, type AuditEntry, listChanges, REASON_LENGTH_MAX, recordChange } from "./trail.ts";
