import { and, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { publish } from "../../platform/live/events.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import { release, settle } from "../billing/index.ts";
import { type FailureCode, tellOwner } from "../notifications/index.ts";
import { insertFiles, type StoredFile } from "../photos/index.ts";
import { type Generation, isLive } from "./start.ts";
import { generations } from "./tables.ts";

/** How a generation ends. Whatever is not a success gives back what was held. */
export type GenerationEnd =
  | { status: "succeeded"; pictures: ResultPictures }
  | { status: "failed"; code: FailureCode }
  | { status: "cancelled" };

export interface ResultPictures {
  clean: StoredFile;
  cleanPreview: StoredFile;
  marked?: StoredFile;
  markedPreview?: StoredFile;
}

/**
 * The one function that ends a generation: the row reaches its final status, the hold is settled or released, the
 * person's event is written and the follow-up is enqueued, all in the caller's transaction. Returns false, changing
 * nothing, when it had ended before; so any number of callers may report an end, and one of them counts.
 */
export async function endGeneration(tx: Context, generationId: string, end: GenerationEnd): Promise<boolean> {
  const now = tx.clock.now();
  if (end.status === "succeeded") await insertFiles(tx, Object.values(end.pictures));
  const [ended] = await tx.db
    .update(generations)
    .set({
      status: end.status,
      finishedAt: now,
      updatedAt: now,
      ...(end.status === "succeeded" ? { progress: 100, ...pictureColumns(end.pictures) } : { creditsSpent: 0 }),
      ...(end.status === "failed" ? { errorCode: end.code } : {}),
    })
    .where(and(eq(generations.id, generationId), end.status === "succeeded" ? isFinishing : isLive))
    .returning();
  if (!ended) {
    if (end.status === "succeeded") throw new GenerationAlreadyEnded(generationId);
    return false;
  }
  await (end.status === "succeeded" ? settle(tx, ended.holdId) : release(tx, ended.holdId));
  await publish(tx, ended.userId, `generation.${end.status}`, {
    id: ended.id,
    type: ended.type,
    status: ended.status,
    progress: ended.progress,
    ...(end.status === "failed" ? { error: { code: end.code, charged: false } } : {}),
  });
  await enqueue(tx, "generation.ended", { generation_id: ended.id, user_id: ended.userId, status: ended.status });
  return true;
}

/** Thrown so that the transaction, with the rows of pictures nobody will see, is undone. */
export class GenerationAlreadyEnded extends Error {
  override readonly name = "GenerationAlreadyEnded";
}

const isFinishing = sql`${generations.status} = 'finishing'`;

function pictureColumns(pictures: ResultPictures) {
  return {
    imageUrl: pictures.clean.storageKey,
    imageFileId: pictures.clean.id,
    previewFileId: pictures.cleanPreview.id,
    markedFileId: pictures.marked?.id ?? null,
    markedPreviewFileId: pictures.markedPreview?.id ?? null,
  };
}

/** Overdue generations ended in one go; the rest follows with the next run of the schedule. */
const EXPIRE_BATCH_SIZE = 200;

/**
 * Fails what is past its deadline, whatever its job does: no generation lives longer. Returns how many. An attempt whose
 * answer was lost is reported to the owner, because the provider may have charged for it.
 */
export async function failOverdue(ctx: Context): Promise<number> {
  const overdue = await ctx.db
    .select({ id: generations.id, status: generations.status })
    .from(generations)
    .where(and(isLive, lt(generations.deadlineAt, ctx.clock.now())))
    .orderBy(generations.deadlineAt, generations.id)
    .limit(EXPIRE_BATCH_SIZE);
  for (const { id } of overdue) await ctx.transaction((tx) => failAtDeadline(tx, id));
  return overdue.length;
}

/** Ends one generation because its time is over. */
export async function failAtDeadline(tx: Context, generationId: string): Promise<boolean> {
  const [before] = await tx.db.select().from(generations).where(eq(generations.id, generationId));
  const ended = await endGeneration(tx, generationId, { status: "failed", code: "timed_out" });
  if (ended && before?.status === "submitting") await tellLostAnswer(tx, before);
  return ended;
}

async function tellLostAnswer(tx: Context, generation: Generation): Promise<void> {
  await tellOwner(tx, {
    level: "warning",
    reason: "provider_answer_lost",
    details: { generation_id: generation.id, attempt: generation.attempt },
  });
}
