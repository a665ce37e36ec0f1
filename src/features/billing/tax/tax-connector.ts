import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { ProviderFailure } from "../../../platform/errors.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import type { TaxReceipt, TaxSale } from "../../../providers/tax-service.ts";
import { tellOwner } from "../../notifications/index.ts";
import { taxEntries } from "../payments/payment-tables.ts";
import type { TaxEntry } from "./tax.ts";
import { annulEntry } from "./tax-annul.ts";
import {
  type Desk,
  DeskLost,
  leaveDesk,
  noteFailure,
  noteRefusal,
  noteSuccess,
  takeDesk,
  writeAt,
} from "./tax-desk.ts";
import { type DueEntry, dueEntries, noteFiling, putAside } from "./tax-filing.ts";

/**
 * How the tax journal reaches the tax service, where its login is set. The service does not notice that it was asked twice, and
 * a second receipt is a second tax; so the entry says `unknown` before anything is sent, and whoever finds it so looks.
 *
 *   send     ready -> unknown                 committed, then the sale is sent
 *            answered with a number           unknown -> registered
 *            refused, or never sent           unknown -> ready (aside for a person, if it was the sale that was refused)
 *            answer lost, process died        unknown stays
 *   look     unknown, two minutes later       found once: adopted; several times: a person; not found: looked again
 *            ten minutes after that           not found again: unknown -> ready, and sent anew
 *   annul    annulled and due                 only with a number; one without is looked up first   (tax-annul.ts)
 *
 * A refund turns `ready` into `annulled`, which is never sent; `unknown` and `registered` into `annulled` with an annulment due
 * (tax.ts). By hand (`atelier tax mark`) every state can be settled beside the connector. One desk, one worker at a time
 * (tax-desk.ts).
 */
const BATCH_SIZE = 25;
/** No further entry is begun after this time in one run; the next run goes on. */
const RUN_MS = 3 * MINUTE_MS;
/** Whoever has slept longer between writing and sending does not send: others may have looked for the sale meanwhile. */
const SEND_WITHIN_MS = 30 * SECOND_MS;
/** Longer than all calls of one sending together. */
const FIRST_LOOK_MS = 2 * MINUTE_MS;
/** A list may be late; nobody has shown how late. */
const SECOND_LOOK_MS = 10 * MINUTE_MS;
const LOOKS_MAX = 2;

/** One run: what is due is annulled, looked up and sent, in this order. Does nothing while the desk is taken or closed. */
export async function fileTaxes(ctx: Context, job: LeasedJob): Promise<void> {
  const service = ctx.taxService;
  if (service === null) return;
  const desk = await takeDesk(ctx, service, job);
  if (desk === null) return;
  const until = after(ctx.clock.now(), RUN_MS);
  const steps = { annul: annulEntry, look: lookForEntry, send: sendEntry } as const;
  try {
    for (const task of ["annul", "look", "send"] as const) {
      const due = await dueEntries(ctx, task, { isReal: service.isReal, limit: BATCH_SIZE });
      for (const one of due) {
        if (ctx.clock.now() > until) return;
        if (!(await steps[task](ctx, desk, one))) return;
      }
    }
  } catch (error) {
    if (error instanceof DeskLost) return ctx.log.warn("the tax desk was taken over by another worker");
    if (!(error instanceof ProviderFailure)) throw error;
    ctx.log.warn("the tax service did not do what was asked", { failure: error.kind, reason: error.message });
    await writeAt(ctx, desk, (tx) => noteFailure(tx, desk, error));
  } finally {
    await leaveDesk(ctx, desk);
  }
}

/** The sale as the service gets it; the same whenever it is asked. */
export function saleOf(entry: TaxEntry): TaxSale {
  return {
    orderId: entry.paymentId,
    service: entry.service,
    grossKopecks: entry.grossKopecks,
    paidAt: entry.operationAt,
  };
}

/** Sends one sale. Resolves with whether the run may go on; throws what concerns all entries. */
async function sendEntry(ctx: Context, desk: Desk, { entry, filing }: DueEntry): Promise<boolean> {
  const sentAt = await writeAt(ctx, desk, async (tx) => {
    const claimed = await tx.db
      .update(taxEntries)
      .set({ state: "unknown", updatedAt: tx.clock.now() })
      .where(and(eq(taxEntries.id, entry.id), eq(taxEntries.state, "ready")))
      .returning({ id: taxEntries.id });
    if (claimed.length === 0) return null;
    const now = tx.clock.now();
    const attempts = (filing?.attempts ?? 0) + 1;
    await noteFiling(tx, entry.id, { attempts, looks: 0, sentAt: now, nextAt: after(now, FIRST_LOOK_MS) });
    return now;
  });
  if (sentAt === null) return true;
  if (ctx.clock.now() > after(sentAt, SEND_WITHIN_MS)) return false;
  let number: string;
  try {
    number = await desk.service.register(saleOf(entry));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return afterFailedSend(ctx, desk, entry, error);
  }
  await writeAt(ctx, desk, async (tx) => {
    await adopt(tx, desk, entry, number);
    await noteSuccess(tx, desk, { registered: true });
  });
  return true;
}

async function afterFailedSend(ctx: Context, desk: Desk, entry: TaxEntry, failure: ProviderFailure): Promise<boolean> {
  if (failure.kind === "unknown") {
    await writeAt(ctx, desk, (tx) => noteFiling(tx, entry.id, { lastError: failure.message }));
    throw failure;
  }
  const isStopped = await writeAt(ctx, desk, async (tx) => {
    await takeBack(tx, entry);
    if (failure.kind !== "rejected") {
      await noteFiling(tx, entry.id, { lastError: failure.message, nextAt: tx.clock.now() });
      return false;
    }
    await putAside(tx, entry, "refused", { message: failure.message });
    return noteRefusal(tx, desk, failure.message);
  });
  if (failure.kind !== "rejected") throw failure;
  return !isStopped;
}

/** Looks for a sale of which nobody knows whether it is registered. */
async function lookForEntry(ctx: Context, desk: Desk, { entry, filing }: DueEntry): Promise<boolean> {
  const found = await desk.service.find(saleOf(entry), filing?.sentAt ?? entry.updatedAt);
  await writeAt(ctx, desk, async (tx) => {
    await noteSuccess(tx, desk);
    const [asBefore] = await tx.db
      .update(taxEntries)
      .set({ updatedAt: tx.clock.now() })
      .where(and(eq(taxEntries.id, entry.id), eq(taxEntries.state, entry.state), isNull(taxEntries.receiptNumber)))
      .returning();
    // Settled by hand, or refunded, while we looked: the next run sees to it.
    if (asBefore) await conclude(tx, desk, { entry: asBefore, filing }, found);
  });
  return true;
}

async function conclude(tx: Context, desk: Desk, { entry, filing }: DueEntry, found: TaxReceipt[]): Promise<void> {
  const live = found.filter(({ isAnnulled }) => !isAnnulled);
  const [first] = live;
  if (live.length > 1) {
    return putAside(tx, entry, "found_several", { receipts: live.map(({ number }) => number).slice(0, 20) });
  }
  if (first) return adopt(tx, desk, entry, first.number);
  if (found.length > 0) {
    const number = found[0]?.number ?? "";
    if (entry.state !== "annulled") return putAside(tx, entry, "found_annulled", { receipt: number });
    await settle(tx, entry, { receiptNumber: number, annulDue: false });
    return;
  }
  const looks = (filing?.looks ?? 0) + 1;
  if (looks < LOOKS_MAX) return noteFiling(tx, entry.id, { looks, nextAt: after(tx.clock.now(), SECOND_LOOK_MS) });
  await takeBack(tx, entry);
  await noteFiling(tx, entry.id, { looks, nextAt: tx.clock.now() });
}

/** The sale is registered under this number. A refund that came meanwhile makes the receipt due to be annulled. */
async function adopt(tx: Context, desk: Desk, entry: TaxEntry, number: string): Promise<void> {
  const receipt = { receiptNumber: number, receiptUrl: desk.service.receiptUrl(number) };
  const isWritten =
    (await settle(tx, { ...entry, state: "unknown" }, { ...receipt, state: "registered" })) ||
    (await settle(tx, { ...entry, state: "annulled" }, receipt));
  await noteFiling(tx, entry.id, { looks: 0, lastError: null, nextAt: tx.clock.now() });
  if (isWritten) return;
  // Somebody settled the entry by hand while the sale was under way: there may be two receipts for one sale.
  const details = { entry_id: entry.id, payment_id: entry.paymentId, receipt: number };
  await tellOwner(tx, { level: "critical", reason: "tax_receipt_unexpected", details });
}

/** The sale is certainly not registered: it is ready again, or, refunded meanwhile, there is nothing to annul. */
async function takeBack(tx: Context, entry: TaxEntry): Promise<void> {
  const isReady = await settle(tx, { ...entry, state: "unknown" }, { state: "ready" });
  if (!isReady) await settle(tx, { ...entry, state: "annulled" }, { annulDue: false });
}

/** Changes an entry without a receipt that is still in the given state, and for a refunded one still due; whether it was. */
async function settle(
  tx: Pick<Context, "db" | "clock">,
  entry: Pick<TaxEntry, "id" | "state">,
  change: Partial<typeof taxEntries.$inferInsert>,
): Promise<boolean> {
  const changed = await tx.db
    .update(taxEntries)
    .set({ ...change, updatedAt: tx.clock.now() })
    .where(
      and(
        eq(taxEntries.id, entry.id),
        eq(taxEntries.state, entry.state),
        isNull(taxEntries.receiptNumber),
        eq(taxEntries.annulDue, entry.state === "annulled"),
      ),
    )
    .returning({ id: taxEntries.id });
  return changed.length > 0;
}
