import { and, eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { refunds } from "./payment-tables.ts";

/** What is to be given back, as it is stored. The flow stands in refunds.ts. */
export type Refund = typeof refunds.$inferSelect;

/** How often the sweep asks about a refund without an end. */
export const REFUND_CHECK_MS = 5 * MINUTE_MS;

/** Writes the row of a refund that is ordered, or that was made elsewhere. The payment's row is locked by the caller. */
export async function insertRefund(
  tx: Context,
  facts: {
    paymentId: string;
    amountKopecks: number;
    reason: string;
    idempotencyKey: string;
    origin: "owner" | "cabinet";
    yookassaId: string | null;
  },
): Promise<Refund> {
  const now = tx.clock.now();
  const [row] = await tx.db
    .insert(refunds)
    .values({
      id: newId(),
      paymentId: facts.paymentId,
      yookassaId: facts.yookassaId,
      amountKopecks: facts.amountKopecks,
      status: "pending",
      origin: facts.origin,
      reason: facts.reason,
      idempotencyKey: facts.idempotencyKey,
      creditsRevoked: 0,
      nextCheckAt: after(now, REFUND_CHECK_MS),
      createdAt: now,
      updatedAt: now,
    })
    .returning();
  invariant(row, "an inserted refund is returned");
  return row;
}

/** Ends a refund that moved no money; one that has ended already stays as it is. */
export async function giveUp(ctx: Context, refund: Refund): Promise<Refund> {
  const [row] = await ctx.db
    .update(refunds)
    .set({ status: "cancelled", nextCheckAt: null, updatedAt: ctx.clock.now() })
    .where(and(eq(refunds.id, refund.id), eq(refunds.status, "pending")))
    .returning();
  return row ?? refund;
}
