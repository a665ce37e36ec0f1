import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { MINUTE_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import { DONE, fence, type JobOutcome, later } from "../../platform/queue/outcome.ts";
import { closeAccount, closeLateAccount } from "../billing/index.ts";
import { chatHistory, endTurnsOf } from "../editing/index.ts";
import { cancelAllOf } from "../generations/index.ts";
import { expireFilesNow, files, journalDeletions } from "../photos/index.ts";
import { anonymiseUser, lockUser, rememberDeparture, type User } from "../profile/index.ts";
import { endReferralsOf } from "../referrals/index.ts";
import { deleteDueFiles } from "./delete-files.ts";
import { nameOf, personalTables } from "./personal-tables.ts";
import { type ErasureCounts, erasures } from "./tables.ts";

/**
 * How a person is erased.
 *
 *   at once    one transaction: what is in work ends, credits are booked out, every row of the map of personal tables
 *              goes or loses what is personal, files are past their time and so unreadable, the person's row becomes a
 *              stub, the receipt is written and the job below is enqueued. All of it or nothing.
 *   after it   the live sockets of the person are closed, in every process
 *   the job    deletes the bytes, as often as the storage needs; a few minutes later it empties the tables once more,
 *              for what a request was writing in the very moment; then the receipt is complete
 *
 * A crash leaves either nothing done or the job. Nothing that stays says who it was: not the receipt, not the journal.
 */
export interface ErasureReceipt extends ErasureCounts {
  receipt_id: string;
  erased_at: string;
}

/** Everything that was begun before the erasure has ended by then: an upload, a turn, a step of a picture. */
const UNDER_WAY_MS_MAX = 5 * MINUTE_MS;
const REFUSED_PAUSE_MS = 10 * MINUTE_MS;

/** Erases the person. Throws the refusal `unauthenticated` when that was done already. */
export async function erasePerson(
  ctx: Context,
  { userId, askedBy }: { userId: string; askedBy: "person" | "operator" },
): Promise<ErasureReceipt> {
  const receipt = await ctx.transaction(async (tx) => {
    const { counts, person } = await eraseRows(tx, userId);
    await rememberDeparture(tx, person);
    const receiptId = newId();
    const erasedAt = tx.clock.now();
    await tx.db.insert(erasures).values({ id: receiptId, askedBy, counts, erasedAt });
    await journalDeletions(tx, [{ subjectId: receiptId, kind: "person", reason: "erased", name: receiptId }]);
    await enqueue(
      tx,
      "privacy.finish_erasure",
      { user_id: userId, receipt_id: receiptId },
      { uniqueKey: `erasure:${userId}` },
    );
    tx.afterCommit(() => tx.wakeUps.wake("sessions", userId));
    return { receipt_id: receiptId, erased_at: erasedAt.toISOString(), ...counts };
  });
  ctx.log.info("a person was erased", { receipt: receipt.receipt_id, files: receipt.files });
  return receipt;
}

/** Undoes what a preview has done. */
class PreviewOver extends Error {
  readonly counts: ErasureCounts;
  constructor(counts: ErasureCounts) {
    super("a preview is undone");
    this.counts = counts;
  }
}

/** What erasing the person would do: it is done in a transaction that is rolled back, hence by its own rules. */
export async function previewErasure(ctx: Context, userId: string): Promise<ErasureCounts> {
  try {
    return await ctx.transaction<never>(async (tx) => {
      throw new PreviewOver((await eraseRows(tx, userId)).counts);
    });
  } catch (error) {
    if (error instanceof PreviewOver) return error.counts;
    throw error;
  }
}

/** Returns the person as they were at the end, for what has to be remembered of them. */
async function eraseRows(tx: Context, userId: string): Promise<{ counts: ErasureCounts; person: User }> {
  if ((await lockUser(tx, userId)).erasedAt !== null) throw new Refusal("unauthenticated");
  await endWhatIsOpen(tx, userId);
  const account = await closeAccount(tx, userId);
  // Read again: what was cancelled has given free actions back.
  const person = await lockUser(tx, userId);
  await endReferralsOf(tx, person);
  const queued = await queueFiles(tx, userId);
  const { deleted, anonymised } = await sweepTables(tx, userId);
  await anonymiseUser(tx, userId);
  const counts = {
    deleted,
    anonymised: { ...anonymised, users: 1 },
    files: queued,
    credits_forfeited: account.creditsForfeited,
    subscription_ended: account.subscriptionEnded,
  };
  return { counts, person };
}

async function endWhatIsOpen(tx: Context, userId: string): Promise<void> {
  await cancelAllOf(tx, userId);
  await endTurnsOf(tx, userId);
}

/** Brings the deadline of every stored picture to now; returns how many there are. */
async function queueFiles(tx: Context, userId: string): Promise<number> {
  const stored = await tx.db
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.userId, userId), isNull(files.deletedAt)));
  const ids = stored.map(({ id }) => id);
  await expireFilesNow(tx, ids, "erased");
  await tx.db
    .update(files)
    .set({ viewable: false })
    .where(and(eq(files.userId, userId), isNull(files.deletedAt)));
  return ids.length;
}

/** Follows the map: rows go, or what is personal in them does. Doing it again does no harm. */
async function sweepTables(tx: Context, userId: string): Promise<Pick<ErasureCounts, "deleted" | "anonymised">> {
  const deleted: Record<string, number> = {};
  const anonymised: Record<string, number> = {};
  await journalConversations(tx, userId);
  for (const entry of personalTables) {
    const [first] = entry.order;
    const returning = { key: first as typeof files.id };
    const table = entry.table as typeof files;
    if (entry.fate.kind === "deleted") {
      const gone = await tx.db.delete(table).where(entry.of(userId)).returning(returning);
      if (gone.length > 0) deleted[nameOf(entry)] = gone.length;
    } else if (entry.fate.kind === "anonymised") {
      const changed = await tx.db
        .update(table)
        .set(entry.fate.to as never)
        .where(entry.of(userId))
        .returning(returning);
      if (changed.length > 0) anonymised[nameOf(entry)] = changed.length;
    }
  }
  return { deleted, anonymised };
}

async function journalConversations(tx: Context, userId: string): Promise<void> {
  const conversations = await tx.db
    .select({ id: chatHistory.id, name: chatHistory.sessionId })
    .from(chatHistory)
    .where(eq(chatHistory.userId, userId));
  await journalDeletions(
    tx,
    conversations.map(({ id, name }) => ({ subjectId: id, kind: "conversation", reason: "erased", name })),
  );
}

/** The job `privacy.finish_erasure`: bytes, stragglers, and the end of the receipt. */
export async function finishErasure(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const userId = String(job.payload.user_id);
  const receiptId = String(job.payload.receipt_id);
  const [receipt] = await ctx.db.select().from(erasures).where(eq(erasures.id, receiptId));
  if (!receipt) return { kind: "give_up", reason: "the receipt of this erasure is gone" };
  const leftMs = UNDER_WAY_MS_MAX - (ctx.clock.now().getTime() - receipt.erasedAt.getTime());
  if (leftMs > 0) {
    await deleteDueFiles(ctx, userId);
    return later(leftMs);
  }
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    await lockUser(tx, userId);
    await endWhatIsOpen(tx, userId);
    // A plan that was paid for meanwhile: the stub shows none from here on, so it must not go on unseen.
    await closeLateAccount(tx, userId);
    await queueFiles(tx, userId);
    await sweepTables(tx, userId);
    // A request that was under way may have written a name or a language into the stub.
    await anonymiseUser(tx, userId);
  });
  await deleteDueFiles(ctx, userId);
  const isThrough = await ctx.transaction(async (tx) => {
    await fence(tx, job);
    return endReceipt(tx, userId, receiptId);
  });
  return isThrough ? DONE : later(REFUSED_PAUSE_MS);
}

/** Removes the rows of pictures that are gone; with the last of them the receipt is complete. False while some are left. */
async function endReceipt(tx: Context, userId: string, receiptId: string): Promise<boolean> {
  await tx.db.delete(files).where(and(eq(files.userId, userId), isNotNull(files.deletedAt)));
  const left = await tx.db.select({ id: files.id }).from(files).where(eq(files.userId, userId)).limit(1);
  if (left.length > 0) return false;
  await tx.db
    .update(erasures)
    .set({ completedAt: tx.clock.now() })
    .where(and(eq(erasures.id, receiptId), isNull(erasures.completedAt)));
  return true;
}

/** Erasures whose job is not through, and since when the oldest waits. */
export async function openErasures(ctx: Pick<Context, "db">): Promise<{ open: number; since: Date | null }> {
  const [row] = await ctx.db
    .select({
      open: sql`count(*)`.mapWith(Number),
      since: sql`min(${erasures.erasedAt})`.mapWith(erasures.erasedAt),
    })
    .from(erasures)
    .where(isNull(erasures.completedAt));
  return { open: row?.open ?? 0, since: row?.since ?? null };
}
