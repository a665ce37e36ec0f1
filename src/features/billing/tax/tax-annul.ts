import { and, eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { ProviderFailure } from "../../../platform/errors.ts";
import { taxEntries } from "../payments/payment-tables.ts";
import type { TaxEntry } from "./tax.ts";
import { type Desk, noteSuccess, writeAt } from "./tax-desk.ts";
import { type DueEntry, noteFiling, putAside } from "./tax-filing.ts";
import type { AsideReason } from "./tax-tables.ts";

/** An annulment whose answer was lost is looked at again after this time. */
const LOOK_MS = 2 * MINUTE_MS;
/** A number as people type it, or the link that ends with it. */
const RECEIPT = /^(?:https?:\/\/\S+\/receipt\/\d+\/)?([0-9A-Za-z_-]{1,64})(?:\/(?:print|json))?$/;

/**
 * Annuls the receipt of a refunded sale at the tax service. Annulling twice does no harm, the second time is refused; so one
 * that was asked for before is looked at first, and a refusal too. Resolves with whether the run may go on.
 */
export async function annulEntry(ctx: Context, desk: Desk, { entry, filing }: DueEntry): Promise<boolean> {
  const number = RECEIPT.exec(entry.receiptNumber ?? "")?.[1];
  if (number === undefined) return leaveToPerson(ctx, desk, entry, "receipt_unreadable", {});
  if (filing?.annulAskedAt) {
    const seen = await desk.service.read(number);
    if (seen === null) return leaveToPerson(ctx, desk, entry, "receipt_not_found", {});
    if (seen.isAnnulled) return finish(ctx, desk, entry);
  }
  const isStillDue = await writeAt(ctx, desk, async (tx) => {
    const due = await tx.db
      .update(taxEntries)
      .set({ updatedAt: tx.clock.now() })
      .where(and(eq(taxEntries.id, entry.id), eq(taxEntries.annulDue, true)))
      .returning({ id: taxEntries.id });
    const now = tx.clock.now();
    if (due.length > 0) await noteFiling(tx, entry.id, { annulAskedAt: now, nextAt: after(now, LOOK_MS) });
    return due.length > 0;
  });
  if (!isStillDue) return true;
  try {
    await desk.service.annul(number, "refund");
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return afterFailedAnnulment(ctx, desk, entry, number, error);
  }
  return finish(ctx, desk, entry);
}

async function afterFailedAnnulment(
  ctx: Context,
  desk: Desk,
  entry: TaxEntry,
  number: string,
  failure: ProviderFailure,
): Promise<boolean> {
  if (failure.kind !== "rejected") {
    await writeAt(ctx, desk, (tx) => noteFiling(tx, entry.id, { lastError: failure.message }));
    throw failure;
  }
  const seen = await desk.service.read(number);
  if (seen?.isAnnulled) return finish(ctx, desk, entry);
  const reason = seen === null ? "receipt_not_found" : "annulment_refused";
  return leaveToPerson(ctx, desk, entry, reason, { message: failure.message });
}

async function finish(ctx: Context, desk: Desk, entry: TaxEntry): Promise<boolean> {
  await writeAt(ctx, desk, async (tx) => {
    const now = tx.clock.now();
    await tx.db.update(taxEntries).set({ annulDue: false, updatedAt: now }).where(eq(taxEntries.id, entry.id));
    await noteFiling(tx, entry.id, { lastError: null, nextAt: now });
    await noteSuccess(tx, desk);
  });
  return true;
}

async function leaveToPerson(
  ctx: Context,
  desk: Desk,
  entry: TaxEntry,
  reason: AsideReason,
  details: Record<string, unknown>,
): Promise<boolean> {
  const receipt = entry.receiptNumber ?? "";
  await writeAt(ctx, desk, (tx) => putAside(tx, entry, reason, { receipt, ...details }));
  return true;
}
