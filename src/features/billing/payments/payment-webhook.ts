import { lt } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, HOUR_MS } from "../../../platform/clock.ts";
import { OperatorError, Refusal } from "../../../platform/errors.ts";
import { isTrusted, trustedProxiesFrom } from "../../../platform/http/client-address.ts";
import { newId } from "../../../platform/ids.ts";
import type { WakeUps } from "../../../platform/wake.ts";
import { NOTICE_NETWORKS, parseNotice } from "../../../providers/yookassa/webhook.ts";
import { FOREIGN_ADDRESS } from "./notice-view.ts";
import { paymentProvider } from "./orders.ts";
import { paymentNotices } from "./payment-tables.ts";
import { applyPayment, PaymentWithoutOrder } from "./payments.ts";
import { applyRefund } from "./refund-booking.ts";

/** Notices are kept this long. */
const NOTICE_KEPT_MS = 90 * DAY_MS;
/** Notices that are worked on at once; more come again, so a slow provider cannot fill the process with them. */
const AT_ONCE_MAX = 20;

/** Notices from elsewhere that are written down in an hour; a flood of forgeries must not fill the disk. */
const STRAYS_JOURNALED_PER_HOUR = 100;

const official = trustedProxiesFrom(NOTICE_NETWORKS);
const loopback = trustedProxiesFrom(["127.0.0.0/8", "::1/128"]);
let atOnce = 0;
/** By the process's wake-ups, of which it has one. */
const strays = new WeakMap<WakeUps, { hour: number; count: number }>();

/**
 * A notice of the payment provider: a hint to look. Nothing in it is believed but which object to read back. Resolves
 * when the sender need not come again: what it spoke of is committed, unknown, or none of our business. Throws when it
 * must come again: the provider or the database did not answer.
 */
export async function takeNotice(ctx: Context, notice: { body: unknown; address: string }): Promise<void> {
  const parsed = parseNotice(notice.body);
  const journal = (outcome: string) =>
    ctx.db.insert(paymentNotices).values({
      id: newId(),
      address: notice.address,
      event: parsed?.event ?? null,
      objectId: parsed?.objectId ?? null,
      outcome,
      createdAt: ctx.clock.now(),
    });
  if (!isFromProvider(ctx, notice.address)) {
    if (!mayJournalStray(ctx)) return;
    ctx.log.warn("a notice came from an address outside the provider's list");
    await journal(FOREIGN_ADDRESS);
    return;
  }
  if (!parsed || (parsed.objectType !== "payment" && parsed.objectType !== "refund")) {
    await journal(parsed ? "not_ours" : "unreadable");
    return;
  }
  if (atOnce >= AT_ONCE_MAX) throw new Refusal("busy", { retry_after: 10 });
  atOnce += 1;
  try {
    await journal(
      parsed.objectType === "payment"
        ? await lookAtPayment(ctx, parsed.objectId)
        : await lookAtRefund(ctx, parsed.objectId),
    );
  } finally {
    atOnce -= 1;
  }
}

/** Counts in this process; beyond the number neither table nor log grow. */
function mayJournalStray({ clock, wakeUps }: Pick<Context, "clock" | "wakeUps">): boolean {
  const hour = Math.floor(clock.now().getTime() / HOUR_MS);
  const known = strays.get(wakeUps);
  const count = known?.hour === hour ? known.count + 1 : 1;
  strays.set(wakeUps, { hour, count });
  return count <= STRAYS_JOURNALED_PER_HOUR;
}

/** A second net behind the re-reading: the official networks, and loopback where emulators are allowed. */
export function isFromProvider(ctx: Pick<Context, "settings">, address: string): boolean {
  return isTrusted(official, address) || (ctx.settings.PROVIDER_LOOPBACK === "allow" && isTrusted(loopback, address));
}

async function lookAtPayment(ctx: Context, paymentId: string): Promise<string> {
  const remote = await paymentProvider(ctx).read(paymentId);
  if (!remote) return "unknown_payment";
  try {
    const payment = await applyPayment(ctx, remote);
    return payment.flagged === null ? `payment_${payment.status}` : `flagged_${payment.flagged}`;
  } catch (error) {
    if (error instanceof PaymentWithoutOrder) return "payment_without_order";
    throw error;
  }
}

async function lookAtRefund(ctx: Context, refundId: string): Promise<string> {
  const remote = await paymentProvider(ctx).readRefund(refundId);
  if (!remote) return "unknown_refund";
  try {
    return `refund_${(await applyRefund(ctx, remote)).status}`;
  } catch (error) {
    if (error instanceof OperatorError) return "refund_without_payment";
    throw error;
  }
}

/** Removes old notices; returns how many. */
export async function forgetOldNotices(ctx: Pick<Context, "db" | "clock">): Promise<number> {
  const removed = await ctx.db
    .delete(paymentNotices)
    .where(lt(paymentNotices.createdAt, after(ctx.clock.now(), -NOTICE_KEPT_MS)))
    .returning({ id: paymentNotices.id });
  return removed.length;
}
