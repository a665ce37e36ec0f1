import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { tellOwner } from "../notifications/index.ts";
import { sweepPayments } from "./payment-sweep.ts";
import { sweepRefunds } from "./refund-sweep.ts";
import { runSubscriptions } from "./subscription-renewals.ts";
import { verifyLedger } from "./verify.ts";

/** Recurring, at night: recomputes every balance and tells the owner of any difference. */
export async function verifyLedgerNightly(ctx: Context): Promise<JobOutcome> {
  const report = await verifyLedger(ctx);
  ctx.log.info("ledger verified", { people: report.people, differences: report.differences.length });
  if (report.differences.length > 0) {
    await ctx.transaction((tx) =>
      tellOwner(tx, {
        level: "critical",
        reason: "ledger_differences",
        details: { differences: report.differences.slice(0, 20), total: report.differences.length },
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

/** A payment was given back, in part or whole: what others do about it hangs on this job. */
export async function paymentRefunded(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  ctx.log.info("payment refunded", { payment: job.payload.payment_id });
  return DONE;
}
