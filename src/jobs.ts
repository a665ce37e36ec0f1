import type { Context } from "./context.ts";
import { keepSubscriptions, paymentRefunded, sweepMoney, verifyLedgerNightly } from "./features/billing/index.ts";
import { failOverdueChatTurns, replyToTurn } from "./features/editing/index.ts";
import {
  failOverdueGenerations,
  generationEnded,
  guardProviderBalance,
  openCleanCopies,
  runGeneration,
} from "./features/generations/index.ts";
import { alertOwner } from "./features/notifications/index.ts";
import { finishErasure, runCleanup } from "./features/privacy/index.ts";
import type { LeasedJob } from "./platform/queue/claim.ts";
import { DONE, type JobOutcome } from "./platform/queue/outcome.ts";
import { sortUnknownKinds } from "./platform/queue/unknown-kinds.ts";
import type { JobHandler } from "./platform/queue/work.ts";

type Handler = (ctx: Context, job: LeasedJob) => Promise<JobOutcome>;

/** Every job kind and what does it. A kind's name stands in stored rows and never changes its meaning. */
const handlers: Record<string, Handler> = {
  "generation.run": runGeneration,
  "generation.ended": generationEnded,
  "generations.fail_overdue": failOverdueGenerations,
  "provider.check_balance": guardProviderBalance,
  "editing.reply": replyToTurn,
  "editing.fail_overdue": failOverdueChatTurns,
  "owner.alert": alertOwner,
  "payment.applied": openCleanCopies,
  "payment.refunded": paymentRefunded,
  "payments.sweep": sweepMoney,
  "subscriptions.keep": keepSubscriptions,
  "ledger.verify": verifyLedgerNightly,
  "privacy.clean_up": runCleanup,
  "privacy.finish_erasure": finishErasure,
  "queue.sort_unknown_kinds": async (ctx) => {
    await sortUnknownKinds(ctx);
    return DONE;
  },
};

/** The handlers, each with a context whose log and further jobs carry the job's and the request's number. */
export function jobHandlers(ctx: Context): Map<string, JobHandler> {
  return new Map(
    Object.entries(handlers).map(([kind, handle]) => [
      kind,
      {
        run(job) {
          const requestId = job.requestId ?? undefined;
          const log = ctx.log.with({
            job: job.id,
            kind,
            ...(requestId === undefined ? {} : { request_id: requestId }),
          });
          return handle({ ...ctx, log, requestId }, job);
        },
      },
    ]),
  );
}
