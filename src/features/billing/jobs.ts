import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { tellOwner } from "../notifications/index.ts";
import { verifyLedger } from "./ledger/verify.ts";
import { sweepPayments } from "./payments/payment-sweep.ts";
import { sweepRefunds } from "./payments/refund-sweep.ts";
import { runSubscriptions } from "./subscriptions/subscription-renewals.ts";
import { fileTaxes } from "./tax/tax-connector.ts";

/** Recurring, at night: recomputes every balance and tells the owner of any difference. */
export async function verifyLedgerNightly(ctx: Context): Promise<JobOutcome> {
  const report = await verifyLedger(ctx);
  ctx.log.info("ledger verified", { people: report.people, differences: report.differences.length });
  if (report.differences.length > 0) {
    await ctx.transaction((tx) =>
      tellOwner(tx, {
        level: "critical",
        reason: "ledger_differences",
        // Ids of ours only: what the owner is told of is kept for longer than people may want to be.
        details: {
          differences: report.differences.slice(0, 20).map(({ telegram_id: _, ...difference }) => difference),
          total: report.differences.length,
        },
      }),
    );
  }
  return DONE;
}

/** Recurring: asks the payment provider about open payments and refunds, so that a lost notice costs nobody anything. */
export async function sweepMoney(ctx: Context): Promise<JobOutcome> {
  if (ctx.paymentProvider === null) return DONE;
  const asked = (await sweepPayments(ctx)) + (await sweepRefunds(ctx));
  if (asked > 0) ctx.log.info("open payments and refunds were asked about", { asked });
  return DONE;
}

/** Recurring: notices, charges and ends of subscriptions. */
export async function keepSubscriptions(ctx: Context): Promise<JobOutcome> {
  const steps = await runSubscriptions(ctx);
  if (steps > 0) ctx.log.info("subscriptions went on", { steps });
  return DONE;
}

/** Recurring: takes the tax journal to the tax service, where a login for it is set. */
export async function fileTaxJournal(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  await fileTaxes(ctx, job);
  return DONE;
}

/** A payment was given back, in part or whole: what others do about it hangs on this job. */
export async function paymentRefunded(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  ctx.log.info("payment refunded", { payment: job.payload.payment_id });
  return DONE;
}
