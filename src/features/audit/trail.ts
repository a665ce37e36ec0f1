import { and, desc, eq, lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invariant } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { wakePanel } from "../../platform/live/panel-hints.ts";
import { type AuditAction, type AuditFacts, type AuditSubject, auditEntries } from "./tables.ts";

export type AuditEntry = typeof auditEntries.$inferSelect;

/** Who acts, and why. Every change that an operator makes is given this. */
export interface Act {
  /** Null for a command typed at the server. */
  operatorId: string | null;
  reason: string;
}

export interface Change extends Act {
  action: AuditAction;
  subject: AuditSubject;
  subjectId?: string | null;
  /** Whom it is about. */
  personId?: string | null;
  before?: AuditFacts;
  after?: AuditFacts;
}

/** Reasons longer than this are letters. */
export const REASON_LENGTH_MAX = 500;

type RecordNeeds = Pick<Context, "db" | "clock" | "requestId" | "wakeUps" | "afterCommit">;

/** Writes down a change, in the transaction that makes it: neither is there without the other. */
export async function recordChange(tx: RecordNeeds, change: Change): Promise<void> {
  const reason = change.reason.trim();
  invariant(reason !== "" && reason.length <= REASON_LENGTH_MAX, "a change has a reason");
  await tx.db.insert(auditEntries).values({
    id: newId(),
    operatorId: change.operatorId,
    action: change.action,
    subject: change.subject,
    subjectId: change.subjectId ?? null,
    personId: change.personId ?? null,
    reason,
    before: change.before ?? null,
    after: change.after ?? null,
    requestId: tx.requestId ?? null,
    createdAt: tx.clock.now(),
  });
  wakePanel(tx, "audit");
}

export interface AuditFilter {
  operatorId?: string | undefined;
  personId?: string | undefined;
  subjectId?: string | undefined;
  action?: AuditAction | undefined;
}

/** What was changed, newest first; `before` is the id of the last entry already seen. */
export async function listChanges(
  ctx: Pick<Context, "db">,
  filter: AuditFilter,
  page: { before: string | null; limit: number },
): Promise<AuditEntry[]> {
  const { operatorId, personId, subjectId, action } = filter;
  return ctx.db
    .select()
    .from(auditEntries)
    .where(
      and(
        operatorId === undefined ? undefined : eq(auditEntries.operatorId, operatorId),
        personId === undefined ? undefined : eq(auditEntries.personId, personId),
        subjectId === undefined ? undefined : eq(auditEntries.subjectId, subjectId),
        action === undefined ? undefined : eq(auditEntries.action, action),
        page.before === null ? undefined : lt(auditEntries.id, page.before),
      ),
    )
    .orderBy(desc(auditEntries.id))
    .limit(page.limit);
}
