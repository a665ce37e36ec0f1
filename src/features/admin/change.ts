import type { Context } from "../../context.ts";
import { type Act, type AuditAction, type AuditFacts, type AuditSubject, recordChange } from "../audit/index.ts";

/** A change to one thing. */
export interface Order extends Act {
  /** Of the thing. */
  id: string;
}

/** What a change is, and how the trail tells of it. */
export interface Change<Row> {
  action: AuditAction;
  subject: AuditSubject;
  /** The thing as it is now; locks it where two changes at once could contradict each other. Throws `not_found`. */
  read(tx: Context): Promise<Row>;
  /** Throws the refusal where the thing is not in the state for it. */
  make(tx: Context, before: Row): Promise<unknown>;
  /** Read before and after. */
  facts(row: Row, tx: Context): AuditFacts | Promise<AuditFacts>;
  /** Whom it is about, where it is about somebody. */
  personOf?(row: Row): string;
}

/** Makes a change to one thing and writes it down in the trail, both or neither. Returns the thing as it is then. */
export async function change<Row>(ctx: Context, order: Order, plan: Change<Row>): Promise<Row> {
  return ctx.transaction(async (tx) => {
    const earlier = await plan.read(tx);
    const before = await plan.facts(earlier, tx);
    await plan.make(tx, earlier);
    const row = await plan.read(tx);
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action: plan.action,
      subject: plan.subject,
      subjectId: order.id,
      ...(plan.personOf ? { personId: plan.personOf(row) } : {}),
      before,
      after: await plan.facts(row, tx),
    });
    return row;
  });
}
