import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { ProviderFailure, Refusal } from "../../platform/errors.ts";
import type { Picture } from "../../platform/images/index.ts";
import { DONE, fence, type JobOutcome, LeaseLost, later } from "../../platform/queue/outcome.ts";
import type { KieTask } from "../../providers/kie/task.ts";
import { type FailureCode, tellOwner, WATERMARK_TEXT } from "../notifications/index.ts";
import { type StoredFile, storePicture } from "../photos/index.ts";
import { askTask } from "./ask-task.ts";
import { type Attempt, closeAttempt } from "./attempts.ts";
import { endGeneration, GenerationAlreadyEnded, type ResultPictures } from "./finish.ts";
import { failStep, PROVIDER_PAUSE_MS, type Step } from "./step.ts";

type StoredPurpose = Parameters<typeof storePicture>[1]["purpose"];

/**
 * Fetches the finished picture, proves that it is one, encodes it anew, makes the copies that this person may see, stores
 * them and ends the generation. Everything before the last transaction may be repeated by another worker; what a crash
 * leaves in the storage has no row and is collected by cleanup.
 */
export async function collectResult(ctx: Context, step: Step, attempt: Attempt, known?: KieTask): Promise<JobOutcome> {
  if (attempt.providerTaskId === null) throw new Error(`attempt ${attempt.id} finishes without a task id`);
  const asked = known ? { task: known } : await askTask(ctx, step, attempt.providerTaskId);
  if ("waitMs" in asked) return later(asked.waitMs);
  const { task } = asked;
  // It had succeeded; an answer that knows nothing of that comes from a copy that lags behind.
  if (task.state === "pending" || task.state === "not_found_yet") return later(PROVIDER_PAUSE_MS);
  const url = task.resultUrls[0];
  if (url === undefined) return failUnusable(ctx, step, attempt, task, "result_unreadable", "the result has gone");
  let bytes: Uint8Array;
  try {
    bytes = await ctx.fetchResult(url);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    if (error.kind !== "rejected") {
      ctx.log.warn("the result could not be fetched yet", { generation: step.generation.id, error: error.message });
      return later(PROVIDER_PAUSE_MS * (0.5 + ctx.random()));
    }
    return failUnusable(ctx, step, attempt, task, "result_unreadable", error.message);
  }
  let pictures: ResultPictures;
  try {
    pictures = await makePictures(ctx, step, bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failUnusable(ctx, step, attempt, task, "result_unreadable", error.code);
  }
  try {
    await ctx.transaction(async (tx) => {
      await fence(tx, step.job);
      await closeAttempt(tx, attempt.id, { state: "succeeded", credits: task.creditsConsumed });
      await endGeneration(tx, step.generation.id, { status: "succeeded", pictures });
    });
  } catch (error) {
    // Any other error may hide a commit that went through; then the pictures belong to somebody.
    const isUndone = error instanceof LeaseLost || error instanceof GenerationAlreadyEnded;
    if (isUndone) await discard(ctx, pictures);
    if (!(error instanceof GenerationAlreadyEnded)) throw error;
    ctx.log.warn("a result came after the end", { generation: step.generation.id });
  }
  return DONE;
}

/** What needs nothing of each other is done side by side: while one copy is written to the disk the next is made. */
async function makePictures(ctx: Context, step: Step, bytes: Uint8Array): Promise<ResultPictures> {
  const { generation } = step;
  const expiresAt = after(ctx.clock.now(), ctx.settings.RESULT_DAYS * DAY_MS);
  const isMarked = generation.watermarked;
  const store = (purpose: StoredPurpose, picture: Picture, viewable: boolean): Promise<StoredFile> =>
    storePicture(ctx, { userId: generation.userId, purpose, picture, expiresAt, viewable });
  const storePreview = async (purpose: StoredPurpose, of: Picture, viewable: boolean): Promise<StoredFile> =>
    store(purpose, await ctx.images.preview(of.bytes, { aiGenerated: true }), viewable);
  const makeMarked = async (of: Picture) => {
    const picture = await ctx.images.watermark(of.bytes, WATERMARK_TEXT);
    const [marked, markedPreview] = await Promise.all([
      store("result_marked", picture, true),
      storePreview("preview_marked", picture, true),
    ]);
    return { marked, markedPreview };
  };

  const picture = await ctx.images.acceptResult(bytes);
  const [copies, clean, cleanPreview] = await Promise.all([
    isMarked ? makeMarked(picture) : {},
    store("result_clean", picture, !isMarked),
    storePreview("preview_clean", picture, !isMarked),
  ]);
  return { clean, cleanPreview, ...copies };
}

/** The provider delivered something that is not a picture for this person; they pay nothing, the owner hears of it. */
function failUnusable(
  ctx: Context,
  step: Step,
  attempt: Attempt,
  task: KieTask,
  code: FailureCode,
  reason: string,
): Promise<JobOutcome> {
  ctx.log.error("the provider's result is not usable", { generation: step.generation.id, reason });
  return failStep(ctx, step, code, async (tx) => {
    await closeAttempt(tx, attempt.id, { state: "failed", failure: `result:${reason}`, credits: task.creditsConsumed });
    await tellOwner(tx, { level: "warning", reason: "kie_bad_result", details: { generation_id: step.generation.id } });
  });
}

/** Removes pictures whose rows were undone; if that fails too, cleanup finds them. */
async function discard(ctx: Context, pictures: ResultPictures): Promise<void> {
  for (const file of Object.values(pictures)) {
    await ctx.storage
      .delete(file.storageKey)
      .catch((error: unknown) => ctx.log.warn("an unused picture stays until cleanup", { error }));
  }
}
