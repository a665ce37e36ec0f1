import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { refuseInMaintenance } from "../maintenance/index.ts";
import { expireFilesNow, ownPhoto } from "../photos/index.ts";
import { endGeneration } from "./finish.ts";
import { type OrderedGeneration, startGeneration } from "./start.ts";
import { isFinal } from "./states.ts";
import { generations } from "./tables.ts";
import { activeGenerations, ownGeneration } from "./view.ts";

export type CancelAnswer = "cancelled" | "cancel_requested" | "already_finished";

/**
 * Cancels honestly. Before the provider was asked nothing has cost anything: the generation ends and everything comes
 * back. Afterwards the provider cannot be stopped: the wish is noted, no new attempt is made for it, and a picture that
 * arrives all the same is delivered and paid for.
 */
export async function cancelGeneration(ctx: Context, userId: string, generationId: string): Promise<CancelAnswer> {
  return ctx.transaction(async (tx) => {
    const generation = await ownGeneration(tx, userId, generationId);
    if (isFinal(generation.status)) return "already_finished";
    const now = tx.clock.now();
    const [noted] = await tx.db
      .update(generations)
      .set({ cancelRequestedAt: generation.cancelRequestedAt ?? now, updatedAt: now })
      .where(eq(generations.id, generation.id))
      .returning();
    // The update locked the row: what it returned cannot change before the end of this transaction.
    if (!noted || isFinal(noted.status)) return "already_finished";
    if (noted.status !== "queued") return "cancel_requested";
    await endGeneration(tx, noted.id, { status: "cancelled" });
    return "cancelled";
  });
}

/**
 * Ends everything of the person that is still in work, because they leave; returns how many. What the provider is busy
 * with cannot be stopped there; its result comes after the end and is thrown away.
 */
export async function cancelAllOf(tx: Context, userId: string): Promise<number> {
  const open = await activeGenerations(tx, userId);
  let ended = 0;
  for (const { id } of open) if (await endGeneration(tx, id, { status: "cancelled" })) ended += 1;
  return ended;
}

/** Hides a finished generation and takes its pictures away at once; the row stays for the books. */
export async function deleteGeneration(ctx: Context, userId: string, generationId: string): Promise<void> {
  await ctx.transaction(async (tx) => {
    const generation = await ownGeneration(tx, userId, generationId);
    if (!isFinal(generation.status)) throw new Refusal("generation_active", { generation_status: generation.status });
    const now = tx.clock.now();
    await tx.db
      .update(generations)
      .set({ deletedAt: now, note: null, prompt: "", updatedAt: now })
      .where(and(eq(generations.id, generation.id), isNull(generations.deletedAt)));
    const results = [
      generation.imageFileId,
      generation.markedFileId,
      generation.previewFileId,
      generation.markedPreviewFileId,
    ];
    await expireFilesNow(
      tx,
      results.filter((id) => id !== null),
      "deleted",
    );
  });
}

/** Runs a finished generation again with the same photos and words, as a new one with a new charge. */
export async function retryGeneration(ctx: Context, userId: string, generationId: string): Promise<OrderedGeneration> {
  await refuseInMaintenance(ctx);
  const generation = await ownGeneration(ctx, userId, generationId);
  if (!isFinal(generation.status)) throw new Refusal("generation_active", { generation_status: generation.status });
  if (generation.userPhotoId === null) throw new Refusal("photo_expired");
  const anyPurpose = ["user_photo", "item_photo", "edit_photo", "result_clean", "result_marked"] as const;
  const userPhoto = await ownPhoto(ctx, userId, generation.userPhotoId, anyPurpose);
  const itemPhoto =
    generation.itemPhotoId === null ? null : await ownPhoto(ctx, userId, generation.itemPhotoId, anyPurpose);
  return startGeneration(ctx, {
    userId,
    type: generation.type,
    action: generation.type === "fitting" ? "fitting" : "edit_generation",
    prompt: generation.prompt,
    userPhoto,
    ...(itemPhoto === null ? {} : { itemPhoto }),
    ...(generation.baseGenerationId === null ? {} : { baseGenerationId: generation.baseGenerationId }),
    ...(generation.sessionId === null ? {} : { sessionId: generation.sessionId }),
    ...(generation.zone === null ? {} : { zone: generation.zone }),
    ...(generation.note === null ? {} : { note: generation.note }),
  });
}
