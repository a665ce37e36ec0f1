import type { Context } from "./context.ts";
import { keepAudience, keepFigures, sendBroadcasts, sweepBroadcasts, watchEconomy } from "./features/admin/index.ts";
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
import { finishErasure, runCleanup } from "./features/privacy/index.ts";
import {
  rememberReferral,
  reverseForRefund,
  rewardGeneration,
  rewardPayment,
  rewardSignUp,
} from "./features/referrals/index.ts";
import type { LeasedJob } from "./platform/queue/claim.ts";
import { DONE, type JobOutcome } from "./platform/queue/outcome.ts";
import { sortUnknownKinds } from "./platform/queue/unknown-kinds.ts";
import { watchJob } from "./platform/queue/watch-job.ts";
import type { JobHandler } from "./platform/queue/work.ts";

type Handler = (ctx: Context, job: LeasedJob) => Promise<JobOutcome>;

/**
 * Several handlers of one kind, one after another. A fault of one does not keep the job from the next; the job comes again,
 * for all of them, until each is done, so each must be repeatable.
 */
export function inTurn(...handles: readonly Handler[]): Handler {
  return async (ctx, job) => {
    const outcomes: JobOutcome[] = [];
    for (const handle of handles) {
      outcomes.push(await handle(ctx, job).catch((error: unknown) => ({ kind: "failed" as const, error })));
    }
    const ofKind = (kind: JobOutcome["kind"]) => outcomes.find((outcome) => outcome.kind === kind);
    return ofKind("failed") ?? ofKind("later") ?? ofKind("give_up") ?? DONE;
  };
}

/** Every job kind and what does it. A kind's name stands in stored rows and never changes its meaning. */
export const handlers: Readonly<Record<string, Handler>> = {
  "generation.run": runGeneration,
  "generation.ended": inTurn(generationEnded, tellOfEnd, rewardGeneration),
  "generations.fail_overdue": failOverdueGenerations,
  "provider.check_balance": guardProviderBalance,
  "editing.reply": replyToTurn,
  "editing.fail_overdue": failOverdueChatTurns,
  "owner.alert": alertOwner,
  "outbox.send": sendMessages(visibleDocument),
  "outbox.sweep": sweepOutbox,
  "telegram.started": inTurn(telegramStarted, rememberReferral),
  "referral.bound": rewardSignUp,
  "payment.applied": inTurn(openCleanCopies, tellOfPayment, rewardPayment),
  "payment.refunded": inTurn(paymentRefunded, tellOfRefund, reverseForRefund),
  "payments.sweep": sweepMoney,
  "subscriptions.keep": keepSubscriptions,
  "tax.file": fileTaxJournal,
  "ledger.verify": verifyLedgerNightly,
  "privacy.clean_up": runCleanup,
  "privacy.finish_erasure": finishErasure,
  "figures.count": keepFigures,
  "economy.watch": watchEconomy,
  "audience.count": keepAudience,
  "broadcasts.send": sendBroadcasts,
  "broadcasts.sweep": sweepBroadcasts,
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
          return watchJob(ctx.telemetry, job, () => handle({ ...ctx, log, requestId }, job));
        },
      },
    ]),
  );
}
