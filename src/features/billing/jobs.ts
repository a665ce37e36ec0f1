import type { Context } from "../../context.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { tellOwner } from "../notifications/index.ts";
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
