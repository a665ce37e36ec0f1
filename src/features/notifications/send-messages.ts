import { and, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { dropUniqueKey } from "../../platform/queue/enqueue.ts";
import { DONE, fence, type JobOutcome, later } from "../../platform/queue/outcome.ts";
import type { OutgoingFile } from "../../providers/telegram/client.ts";
import { claimMessages, type OutboxMessage } from "./claim-messages.ts";
import { messageText } from "./message-text.ts";
import { messages } from "./messages.ts";
import { isMessageKey, startSending } from "./notify.ts";
import { openAppButton } from "./open-app-button.ts";
import { recordVerdicts } from "./record-verdicts.ts";
import { OUTBOX_LANES, type OutboxLane, outboxMessages } from "./tables.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/**
 * How messages leave.
 *
 *   write     with the act, in its transaction; a job for the lane is there from then on     (notify.ts)
 *   claim     as many as the pace allows become `sending`, in one transaction        (claim-messages.ts)
 *   send      side by side, no transaction
 *   record    sent, again, dropped or unknown, in one transaction                   (record-verdicts.ts)
 *   ...       and from the claim again, as a run of the same job, until nothing waits
 *   last look the job gives up its name, so that a message written from now on brings a job of its own, and looks
 *             once more for those that were being written while it still had it
 *
 * A process that dies between claim and record leaves messages of which nobody knows whether they arrived: they become
 * `unknown` and are not repeated (verdict.ts says why). One that dies anywhere else costs nothing.
 */

/** A transaction that saw the job's name and has not committed by then is found by the sweep. */
const LAST_LOOK_MS = 2 * SECOND_MS;
/** A wake-up in between is worth more than a long sleep: pauses can be ended by an operator. */
const SLEEP_MS_MAX = MINUTE_MS;
/** Nothing is on its way for so long. */
const SENDING_MS_MAX = 10 * MINUTE_MS;

/** Reads a picture that goes along; null when it is gone, not the person's, or not for their eyes. */
export type DocumentReader = (ctx: Context, wanted: { fileId: string; userId: string }) => Promise<OutgoingFile | null>;

/** The job that sends what waits in a lane. */
export function sendMessages(readDocument: DocumentReader) {
  return async (ctx: Context, job: LeasedJob): Promise<JobOutcome> => {
    const lane = OUTBOX_LANES.find((name) => name === job.payload.lane);
    if (lane === undefined) return { kind: "give_up", reason: "no such lane" };
    if (ctx.telegram === null) return later(SLEEP_MS_MAX);
    const claimed = await claimMessages(ctx, job, lane);
    if (claimed.messages.length > 0) {
      const tried = await Promise.all(
        claimed.messages.map(async (message) => ({ message, verdict: await trySending(ctx, message, readDocument) })),
      );
      await recordVerdicts(ctx, job, claimed, tried);
      return later(claimed.waitMs ?? 0);
    }
    if (claimed.waitMs !== null) return later(Math.min(claimed.waitMs, SLEEP_MS_MAX));
    if (job.uniqueKey === null) return DONE;
    await ctx.transaction(async (tx) => {
      await fence(tx, job);
      await dropUniqueKey(tx, job.id);
    });
    return later(LAST_LOOK_MS);
  };
}

/** Sends one message; never throws. What fails before Telegram was asked is surely not sent. */
async function trySending(ctx: Context, message: OutboxMessage, readDocument: DocumentReader): Promise<Verdict> {
  const { telegram } = ctx;
  if (telegram === null || !isMessageKey(message.key)) return dropped("unknown_message");
  const { chatId, language, documentFileId, userId } = message;
  let text: string;
  try {
    text = messageText(message.key, language, message.parameters);
  } catch (error) {
    ctx.log.error("a message cannot be written out", { message: message.id, error });
    return dropped("unwritable");
  }
  const button = messages[message.key].button ? openAppButton(ctx.settings, language) : null;
  const common = { chatId, ...(button === null ? {} : { button }) };
  let document: OutgoingFile | null = null;
  if (documentFileId !== null) {
    try {
      document = await readDocument(ctx, { fileId: documentFileId, userId: userId ?? "" });
    } catch (error) {
      ctx.log.warn("a picture for a message could not be read", { message: message.id, error });
      return { kind: "again", reason: "picture_unreadable", pauseMs: MINUTE_MS, rest: "none" };
    }
    if (document === null) return { ...dropped("picture_gone"), isFault: false };
  }
  try {
    const { messageId } =
      document === null
        ? await telegram.sendMessage({ ...common, text })
        : await telegram.sendDocument({ ...common, document, caption: text });
    return { kind: "sent", messageId };
  } catch (error) {
    const verdict = verdictOf(error);
    ctx.log.info("a message was not sent", { message: message.id, key: message.key, verdict: verdict.kind, error });
    return verdict;
  }
}

const dropped = (reason: string) => ({ kind: "dropped", reason, isFault: true }) as const;

/**
 * Recurring, behind the jobs that each message brings: starts the lanes where something waits, and gives up what has
 * been on its way for longer than anything can be.
 */
export async function sweepOutbox(ctx: Context): Promise<JobOutcome> {
  await ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    await tx.db
      .update(outboxMessages)
      .set({ state: "unknown", reason: "worker_died", updatedAt: now })
      .where(and(sql`${outboxMessages.state} = 'sending'`, lt(outboxMessages.updatedAt, after(now, -SENDING_MS_MAX))));
    for (const lane of await lanesInUse(tx)) await startSending(tx, lane);
  });
  return DONE;
}

async function lanesInUse(tx: Context): Promise<OutboxLane[]> {
  const rows = await tx.db
    .selectDistinct({ lane: outboxMessages.lane })
    .from(outboxMessages)
    .where(sql`${outboxMessages.state} = 'waiting'`);
  return rows.map((row) => row.lane);
}
