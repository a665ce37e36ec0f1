import { utimesSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { generations } from "../../src/features/generations/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { pictureFolder } from "../../src/platform/storage/open-storage.ts";
import type { Stage } from "./stage.ts";

/** Older than the age at which a file without a row is nobody's any more. */
const AGED_MS = 3 * 60 * 60_000;

export interface FileComparison {
  differences: string[];
  /** Stored pictures without a row that the program's own cleanup collected. */
  collected: number;
  stored: number;
}

/**
 * Compares the stored files with their rows. What a kill left behind between storing and writing down is first collected
 * by the program's own `cleanup`, after all files were made old enough for it; whatever it leaves has to have a row.
 */
export async function compareFiles({ deployment }: Stage, ctx: Context): Promise<FileComparison> {
  const keys = async () => {
    const found = new Map<string, number>();
    for await (const { key, bytes } of ctx.storage.list()) found.set(key, bytes);
    return found;
  };
  const differences: string[] = [];
  const cleanUp = async () => {
    const { code, stderr } = await deployment.run(["cleanup"]);
    if (code !== 0) differences.push(`cleanup ended with ${code}: ${stderr}`);
  };
  // Before anything is old: what a row calls deleted must be gone by its own deletion, not by the search for strays.
  await cleanUp();
  const before = await keys();
  for (const { id, storageKey, deletedAt, purpose } of await ctx.db.select().from(files)) {
    if (deletedAt !== null && before.has(storageKey)) {
      differences.push(`the ${purpose} ${id} is deleted, and its bytes are stored`);
    }
  }
  const aged = new Date(Date.now() - AGED_MS);
  for (const key of before.keys()) utimesSync(join(pictureFolder(ctx.settings), key), aged, aged);
  await cleanUp();
  const stored = await keys();
  const left = new Map(stored);
  const rows = await ctx.db.select().from(files);
  const known = new Map(rows.map((row) => [row.id, row]));
  for (const { id, storageKey, deletedAt, bytes, purpose } of rows) {
    const size = left.get(storageKey);
    left.delete(storageKey);
    if (deletedAt !== null) continue;
    if (size === undefined) differences.push(`the ${purpose} ${id} has lost its bytes`);
    else if (size !== bytes) differences.push(`the ${purpose} ${id} has ${size} bytes stored, and ${bytes} in its row`);
  }
  for (const key of left.keys()) differences.push(`nothing refers to the stored file ${key}`);
  const succeeded = await ctx.db.select().from(generations).where(eq(generations.status, "succeeded"));
  for (const { id, imageFileId, deletedAt } of succeeded) {
    if (deletedAt !== null) continue;
    const row = known.get(imageFileId ?? "");
    if (row === undefined || row.deletedAt !== null) differences.push(`generation ${id} succeeded and has no picture`);
  }
  return { differences, collected: before.size - stored.size, stored: stored.size };
}
