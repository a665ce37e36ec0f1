import { createHash } from "node:crypto";
import { and, eq, inArray, isNull, lt, lte, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS, HOUR_MS } from "../../platform/clock.ts";
import { forgetOldKeys } from "../../platform/http/idempotency.ts";
import { newId } from "../../platform/ids.ts";
import { forgetOldEvents } from "../../platform/live/events.ts";
import { forgetOldTickets } from "../../platform/live/tickets.ts";
import { forgetOldSessions } from "../auth/index.ts";
import { expireCredits, forgetOldNotices, peopleWithExpiredCredits } from "../billing/index.ts";
import { forgetOldConversations } from "../editing/index.ts";
import { forgetOldMessages } from "../notifications/index.ts";
import { fileDeletions, files } from "../photos/index.ts";
import { forgetOldStarts } from "../referrals/index.ts";

/** What a cleanup did, or with `dryRun` would do. */
export interface CleanupReport {
  /** Pictures past their deadline, deleted. */
  files: number;
  /** Pictures that the storage refused to delete; they stay queued and unreadable. */
  files_refused: number;
  /** Stored bytes without a row, left by a crash between storing and writing down. */
  orphans: number;
  events: number;
  idempotency_keys: number;
  tickets: number;
  sessions: number;
  /** Conversations with the assistant, 30 days after their last message. */
  conversations: number;
  /** Notices of the payment provider, after 90 days. */
  payment_notices: number;
  /** Messages of the bot a month old and updates of it three days old, with what belongs to them. */
  messages: number;
  /** Starts of the bot behind an invitation link, after 30 days without a sign-in. */
  pending_referrals: number;
  /** People whose expired credits were booked out. */
  expired_credits_people: number;
}

const BATCH_SIZE = 200;
/** Conversations that one run forgets at most; the next run takes the others. */
const CONVERSATIONS_MAX = 2_000;
/** People whose expired credits one run books out at most; the next run takes the others. */
const EXPIRED_PEOPLE_MAX = 2_000;
/** A stored file this young may belong to a transaction that has not committed. */
const ORPHAN_AGE_MS_MIN = HOUR_MS;
/** The journal of deletions is kept for a year. */
const DELETION_ENTRY_KEPT_MS = 365 * DAY_MS;

/** Deletes everything that is past its time. Running it twice, or in two places, is harmless. */
export async function cleanUp(ctx: Context, options: { dryRun: boolean }): Promise<CleanupReport> {
  if (options.dryRun) return countDue(ctx);
  const report: CleanupReport = {
    ...(await deleteDueFiles(ctx)),
    orphans: await deleteOrphans(ctx),
    ...(await forgetOldRows(ctx)),
    expired_credits_people: await expireCredits(ctx, EXPIRED_PEOPLE_MAX),
  };
  await ctx.db
    .delete(fileDeletions)
    .where(lt(fileDeletions.deletedAt, after(ctx.clock.now(), -DELETION_ENTRY_KEPT_MS)));
  return report;
}

async function forgetOldRows(ctx: Context) {
  return {
    events: await forgetOldEvents(ctx),
    idempotency_keys: await forgetOldKeys(ctx),
    tickets: await forgetOldTickets(ctx),
    sessions: await forgetOldSessions(ctx),
    conversations: await forgetOldConversations(ctx, CONVERSATIONS_MAX),
    payment_notices: await forgetOldNotices(ctx),
    messages: await forgetOldMessages(ctx),
    pending_referrals: await forgetOldStarts(ctx),
  };
}

/** Undoes what a dry run has done in order to count it. */
class DryRunOver extends Error {
  readonly counts: Awaited<ReturnType<typeof forgetOldRows>>;
  constructor(counts: Awaited<ReturnType<typeof forgetOldRows>>) {
    super("a dry run is undone");
    this.counts = counts;
  }
}

/** How many rows `forgetOldRows` would remove: it does so in a transaction that is rolled back, hence by its own rules. */
async function countOldRows(ctx: Context) {
  try {
    return await ctx.transaction<never>(async (tx) => {
      throw new DryRunOver(await forgetOldRows(tx));
    });
  } catch (error) {
    if (error instanceof DryRunOver) return error.counts;
    throw error;
  }
}

async function countDue(ctx: Context): Promise<CleanupReport> {
  const [due] = await ctx.db
    .select({
      files: sql`count(*)`.mapWith(Number),
      refused: sql`coalesce(sum(case when ${files.deleteFailures} > 0 then 1 else 0 end), 0)`.mapWith(Number),
    })
    .from(files)
    .where(isDue(ctx));
  let orphans = 0;
  for await (const _key of orphanKeys(ctx)) orphans += 1;
  return {
    files: due?.files ?? 0,
    files_refused: due?.refused ?? 0,
    orphans,
    ...(await countOldRows(ctx)),
    expired_credits_people: (await peopleWithExpiredCredits(ctx, EXPIRED_PEOPLE_MAX)).length,
  };
}

const isDue = (ctx: Pick<Context, "clock">) => and(isNull(files.deletedAt), lte(files.expiresAt, ctx.clock.now()));

/** Deletes the bytes, then marks the row: a crash in between deletes bytes that are gone already, which is no error. */
async function deleteDueFiles(ctx: Context): Promise<{ files: number; files_refused: number }> {
  let deleted = 0;
  let refused = 0;
  for (;;) {
    const batch = await ctx.db
      .select()
      .from(files)
      .where(isDue(ctx))
      .orderBy(files.deleteFailures, files.expiresAt, files.id)
      .limit(BATCH_SIZE);
    let progress = 0;
    for (const file of batch) {
      try {
        await ctx.storage.delete(file.storageKey);
      } catch (error) {
        refused += 1;
        ctx.log.error("the storage refused to delete a picture; it stays queued", { file: file.id, error });
        await ctx.db
          .update(files)
          .set({ deleteFailures: sql`${files.deleteFailures} + 1` })
          .where(eq(files.id, file.id));
        continue;
      }
      progress += 1;
      await markDeleted(ctx, file, "retention");
    }
    deleted += progress;
    // A batch of which nothing could be deleted would come again and again.
    if (batch.length < BATCH_SIZE || progress === 0) return { files: deleted, files_refused: refused };
  }
}

async function markDeleted(ctx: Context, file: typeof files.$inferSelect, reason: string): Promise<void> {
  await ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const marked = await tx.db
      .update(files)
      .set({ deletedAt: now })
      .where(and(eq(files.id, file.id), isNull(files.deletedAt)))
      .returning({ id: files.id });
    if (marked.length === 0) return;
    const nameHash = createHash("sha256").update(file.storageKey).digest("hex");
    await tx.db
      .insert(fileDeletions)
      .values({ id: newId(), fileId: file.id, purpose: file.purpose, reason, nameHash, deletedAt: now });
  });
}

async function deleteOrphans(ctx: Context): Promise<number> {
  let deleted = 0;
  for await (const key of orphanKeys(ctx)) {
    try {
      await ctx.storage.delete(key);
      deleted += 1;
    } catch (error) {
      ctx.log.error("the storage refused to delete a file without a row", { error });
    }
  }
  return deleted;
}

/** Stored files that no row knows and that are too old to belong to a running transaction. */
async function* orphanKeys(ctx: Context): AsyncGenerator<string> {
  // The storage stamps files by the machine's own clock, not by ours.
  const cutoff = Date.now() - ORPHAN_AGE_MS_MIN;
  let batch: string[] = [];
  for await (const entry of ctx.storage.list()) {
    if (entry.modifiedAt.getTime() < cutoff) batch.push(entry.key);
    if (batch.length < BATCH_SIZE) continue;
    yield* await unknownOf(ctx, batch);
    batch = [];
  }
  yield* await unknownOf(ctx, batch);
}

async function unknownOf(ctx: Pick<Context, "db">, keys: string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const rows = await ctx.db.select({ key: files.storageKey }).from(files).where(inArray(files.storageKey, keys));
  const known = new Set(rows.map((row) => row.key));
  return keys.filter((key) => !known.has(key));
}
