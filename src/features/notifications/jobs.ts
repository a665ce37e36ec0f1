import { and, eq, gt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, HOUR_MS } from "../../platform/clock.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import { findByTelegramId } from "../profile/index.ts";
import { writeMessage } from "./notify.ts";
import { ownerAlertPauses } from "./tables.ts";

export { sendMessages, sweepOutbox } from "./send-messages.ts";

/** The owner hears of the same reason at most this often; what comes in between is counted. */
const SAME_REASON_PAUSE_MS = HOUR_MS;
const DETAILS_LENGTH_MAX = 1_500;

/**
 * Tells the owner: through the log, which every installation has, and by a message of the bot to each of
 * `ADMIN_TELEGRAM_IDS`. A fault that strikes a thousand times makes one message, and the next one says how often.
 */
export async function alertOwner(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  ctx.log.error("the owner has to look at this", { alert: job.payload });
  const owners = ctx.settings.ADMIN_TELEGRAM_IDS.map(Number);
  if (owners.length === 0) return DONE;
  const reason = String(job.payload.reason);
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const suppressed = await heldBack(tx, reason);
    if (suppressed === null) return;
    const common = {
      level: String(job.payload.level),
      reason,
      details: JSON.stringify(job.payload.details ?? {}).slice(0, DETAILS_LENGTH_MAX),
    };
    for (const chatId of owners) {
      const owner = await findByTelegramId(tx, chatId);
      await writeMessage(tx, {
        chatId,
        userId: owner?.id ?? null,
        language: owner?.language ?? "ru",
        message:
          suppressed === 0
            ? { key: "owner_alert", parameters: common }
            : { key: "owner_alert_again", parameters: { ...common, suppressed } },
        cause: `owner_alert:${job.id}:${chatId}`,
      });
    }
  });
  return DONE;
}

/** How many alerts of this reason were held back since the last message; null when this one is held back too. */
async function heldBack(tx: Pick<Context, "db" | "clock">, reason: string): Promise<number | null> {
  const now = tx.clock.now();
  const first = await tx.db
    .insert(ownerAlertPauses)
    .values({ reason, toldAt: now, suppressed: 0 })
    .onConflictDoNothing()
    .returning({ reason: ownerAlertPauses.reason });
  if (first.length > 0) return 0;
  const ofReason = eq(ownerAlertPauses.reason, reason);
  const held = await tx.db
    .update(ownerAlertPauses)
    .set({ suppressed: sql`${ownerAlertPauses.suppressed} + 1` })
    .where(and(ofReason, gt(ownerAlertPauses.toldAt, after(now, -SAME_REASON_PAUSE_MS))))
    .returning({ reason: ownerAlertPauses.reason });
  if (held.length > 0) return null;
  const [pause] = await tx.db.select().from(ownerAlertPauses).where(ofReason);
  await tx.db.update(ownerAlertPauses).set({ toldAt: now, suppressed: 0 }).where(ofReason);
  return pause?.suppressed ?? 0;
}

/** Somebody opened the bot by a link with a parameter: what others do about it (a referral) hangs on this job. */
export async function telegramStarted(ctx: Context): Promise<JobOutcome> {
  ctx.log.info("somebody started the bot by a link");
  return DONE;
}
