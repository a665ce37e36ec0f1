import { and, inArray, isNull } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { HOUR_MS } from "../../platform/clock.ts";
import { StorageFailure } from "../../platform/storage/storage.ts";
import { files, journalDeletions } from "../photos/index.ts";

const BATCH_SIZE = 200;
/** A stored file this young may belong to a transaction that has not committed. */
const ORPHAN_AGE_MS_MIN = HOUR_MS;

/**
 * Deletes stored bytes that no row knows, as a crash between storing and writing down leaves them, and those whose row
 * says that they are gone: a write whose answer was lost, or a move between storages, may have brought them back.
 */
export async function deleteOrphans(ctx: Context): Promise<{ orphans: number; orphans_refused: number }> {
  let orphans = 0;
  let refused = 0;
  try {
    for await (const key of orphanKeys(ctx)) {
      if (await deleteOrphan(ctx, key)) orphans += 1;
      else refused += 1;
    }
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    // Without its list nothing can be told, and the rest of a cleanup must not wait for a storage that is away.
    refused += 1;
    ctx.log.error("the storage could not be searched for files without a row", { error });
  }
  return { orphans, orphans_refused: refused };
}

/** False when the storage refused. */
async function deleteOrphan(ctx: Context, key: string): Promise<boolean> {
  try {
    await ctx.storage.delete(key);
  } catch (error) {
    ctx.log.error("the storage refused to delete a file without a row", { error });
    return false;
  }
  await journalDeletions(ctx, [{ kind: "orphan", reason: "retention", name: key }]);
  return true;
}

/** How many `deleteOrphans` would find. */
export async function countOrphans(ctx: Context): Promise<number> {
  let orphans = 0;
  for await (const _key of orphanKeys(ctx)) orphans += 1;
  return orphans;
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
  const rows = await ctx.db
    .select({ key: files.storageKey })
    .from(files)
    .where(and(inArray(files.storageKey, keys), isNull(files.deletedAt)));
  const known = new Set(rows.map((row) => row.key));
  return keys.filter((key) => !known.has(key));
}
