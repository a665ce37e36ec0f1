import type { Context } from "./context.ts";
import {
  fileTaxJournal,
  keepSubscriptions,
  paymentRefunded,
  sweepMoney,
  tellOfPayment,
  tellOfRefund,
  verifyLedgerNightly,
} from "./features/billing/index.ts";
import { failOverdueChatTurns, replyToTurn } from "./features/editing/index.ts";
import {
  failOverdueGenerations,
  generationEnded,
  guardProviderBalance,
  openCleanCopies,
  runGeneration,
  tellOfEnd,
} from "./features/generations/index.ts";
import { alertOwner, sendMessages, sweepOutbox, telegramStarted } from "./features/notifications/index.ts";
import { visibleDocument } from "./features/photos/index.ts";
import { runCleanup } from "./features/privacy/index.ts";
import type { LeasedJob } from "./platform/queue/claim.ts";
import { DONE, type JobOutcome } from "./platform/queue/outcome.ts";
import { sortUnknownKinds } from "./platform/queue/unknown-kinds.ts";
import type { JobHandler } from "./platform/queue/work.ts";

type Handler = (ctx: Context, job: LeasedJob) => Promise<JobOutcome>;

/**
 * Several things that hang on one kind of job, one after the other. One that is not done yet, or fails, ends the run; the
 * next run begins again with the first, so each must do no harm when it is repeated.
 */
function inTurn(...all: readonly Handler[]): Handler {
  return async (ctx, job) => {
    for (const handle of all) {
      const outcome = await handle(ctx, job);
      if (outcome.kind !== "done") return outcome;
    }
    return DONE;
  };
}

/** Every job kind and what does it. A kind's name stands in stored rows and never changes its meaning. */
const handlers: Record<string, Handler> = {
  "generation.run": runGeneration,
  "generation.ended": inTurn(generationEnded, tellOfEnd),
  "generations.fail_overdue": failOverdueGenerations,
  "provider.check_balance": guardProviderBalance,
  "editing.reply": replyToTurn,
  "editing.fail_overdue": failOverdueChatTurns,
  "owner.alert": alertOwner,
  "outbox.send": sendMessages(visibleDocument),
  "outbox.sweep": sweepOutbox,
  "telegram.started": telegramStarted,
  "payment.applied": inTurn(openCleanCopies, tellOfPayment),
  "payment.refunded": inTurn(paymentRefunded, tellOfRefund),
  "payments.sweep": sweepMoney,
  "subscriptions.keep": keepSubscriptions,
  "tax.file": fileTaxJournal,
  "ledger.verify": verifyLedgerNightly,
  "privacy.clean_up": runCleanup,
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
