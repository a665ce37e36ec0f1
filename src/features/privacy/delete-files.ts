import { and, asc, eq, gt, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { tellOwner } from "../notifications/index.ts";
import { files, journalDeletions, type StoredFile } from "../photos/index.ts";

/** What happened to pictures past their time. */
export interface FileDeletions {
  /** Gone from the storage. */
  files: number;
  /** Of all that were tried, those that the storage had refused to delete in an earlier run. */
  files_tried_again: number;
  /** Refused by the storage this time; they stay queued and unreadable. */
  files_refused: number;
}

const BATCH_SIZE = 200;
/** A storage that refuses so many one after another will refuse the others too; the rest waits for the next run. */
const REFUSALS_IN_A_ROW_MAX = 50;
/** Refusals of one picture before the owner hears of it, and then each time so many runs have passed: once a day. */
const REFUSALS_BEFORE_ALERT = 3;
const REFUSALS_BETWEEN_ALERTS = 24;

/** Pictures whose bytes have to go now: of everybody, or of one person. */
export const isDue = (ctx: Pick<Context, "clock">, userId?: string): SQL | undefined =>
  and(
    isNull(files.deletedAt),
    lte(files.expiresAt, ctx.clock.now()),
    userId === undefined ? undefined : eq(files.userId, userId),
  );

/**
 * Deletes the bytes of what is past its time, each picture tried once. The bytes go first and the row is marked after
 * them: a crash in between deletes bytes that are gone already, which is no error. What the storage refuses stays queued;
 * nobody can read it meanwhile, and the owner hears of it when it goes on.
 */
export async function deleteDueFiles(ctx: Context, userId?: string): Promise<FileDeletions> {
  const report: FileDeletions = { files: 0, files_tried_again: 0, files_refused: 0 };
  let last: StoredFile | null = null;
  let refusedInARow = 0;
  let alertDue = false;
  while (refusedInARow < REFUSALS_IN_A_ROW_MAX) {
    const batch: StoredFile[] = await ctx.db
      .select()
      .from(files)
      .where(and(isDue(ctx, userId), last === null ? undefined : isBehind(last)))
      .orderBy(asc(files.expiresAt), asc(files.id))
      .limit(BATCH_SIZE);
    for (const file of batch) {
      if (refusedInARow >= REFUSALS_IN_A_ROW_MAX) break;
      if (file.deleteFailures > 0) report.files_tried_again += 1;
      if (await deleteFile(ctx, file)) {
        report.files += 1;
        refusedInARow = 0;
      } else {
        report.files_refused += 1;
        // One that is away would be asked for as long as the job may run, a picture every few seconds.
        refusedInARow = (await isAway(ctx)) ? REFUSALS_IN_A_ROW_MAX : refusedInARow + 1;
        alertDue ||= isAlertDue(file.deleteFailures + 1);
      }
    }
    if (batch.length < BATCH_SIZE) break;
    last = batch.at(-1) ?? null;
  }
  if (alertDue) await tellOfRefusals(ctx);
  return report;
}

/** Deletes what is due of one person; returns how many pictures the storage refused. */
export async function deleteFilesOf(ctx: Context, userId: string): Promise<number> {
  return (await deleteDueFiles(ctx, userId)).files_refused;
}

const isAlertDue = (failures: number) => failures === REFUSALS_BEFORE_ALERT || failures % REFUSALS_BETWEEN_ALERTS === 0;

function isBehind(last: StoredFile): SQL | undefined {
  return or(gt(files.expiresAt, last.expiresAt), and(eq(files.expiresAt, last.expiresAt), gt(files.id, last.id)));
}

function isAway(ctx: Pick<Context, "storage">): Promise<boolean> {
  return ctx.storage.ping().then(
    () => false,
    () => true,
  );
}

/** False when the storage refused. */
async function deleteFile(ctx: Context, file: StoredFile): Promise<boolean> {
  try {
    await ctx.storage.delete(file.storageKey);
  } catch (error) {
    ctx.log.error("the storage refused to delete a picture; it stays queued", { file: file.id, error });
    await ctx.db
      .update(files)
      .set({ deleteFailures: sql`${files.deleteFailures} + 1` })
      .where(eq(files.id, file.id));
    return false;
  }
  await markDeleted(ctx, file);
  return true;
}

async function markDeleted(ctx: Context, file: StoredFile): Promise<void> {
  await ctx.transaction(async (tx) => {
    const marked = await tx.db
      .update(files)
      .set({ deletedAt: tx.clock.now() })
      .where(and(eq(files.id, file.id), isNull(files.deletedAt)))
      .returning({ id: files.id });
    // Somebody else was faster, and has written the entry.
    if (marked.length === 0) return;
    const reason = file.deleteReason ?? "retention";
    await journalDeletions(tx, [{ subjectId: file.id, kind: file.purpose, reason, name: file.storageKey }]);
  });
}

async function tellOfRefusals(ctx: Context): Promise<void> {
  const { refused } = await waitingDeletions(ctx);
  await ctx.transaction((tx) =>
    tellOwner(tx, { level: "critical", reason: "storage_refuses_deletions", details: { pictures: refused } }),
  );
}

/** Pictures that the storage has refused to delete so far, and since when the first of them should be gone. */
export async function waitingDeletions(ctx: Pick<Context, "db" | "clock">) {
  const [row] = await ctx.db
    .select({
      refused: sql`count(*)`.mapWith(Number),
      failures: sql`coalesce(max(${files.deleteFailures}), 0)`.mapWith(Number),
      since: sql`min(${files.expiresAt})`.mapWith(files.expiresAt),
    })
    .from(files)
    .where(and(isDue(ctx), sql`${files.deleteFailures} > 0`));
  return { refused: row?.refused ?? 0, failures: row?.failures ?? 0, since: row?.since ?? null };
}
