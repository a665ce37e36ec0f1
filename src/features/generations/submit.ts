import type { Context } from "../../context.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { takePlace } from "../../platform/limits/window.ts";
import { publish } from "../../platform/live/events.ts";
import { DONE, fence, type JobOutcome, LeaseLost, later } from "../../platform/queue/outcome.ts";
import { type FailureCode, tellOwner } from "../notifications/index.ts";
import { readableFiles } from "../photos/index.ts";
import { askTask } from "./ask-task.ts";
import {
  type Attempt,
  callbackSecret,
  changeAttempt,
  claimTask,
  closeAttempt,
  failuresOf,
  latestAttempt,
  openAttempt,
} from "./attempts.ts";
import { endGeneration } from "./finish.ts";
import { afterFailedUpload, lendPhotos } from "./lend-photos.ts";
import { noteProviderFailure, noteProviderSuccess, providerState } from "./provider-state.ts";
import { advance, FIRST_POLL_MS, failStep, PROVIDER_PAUSE_MS, PROVIDER_TRIES_MAX, type Step } from "./step.ts";

/** kie.ai refuses more than 20 new tasks in 10 s for an account; half a second more allows for the way there. */
export const CREATE_WINDOW = { name: "kie.create", count: 20, windowMs: 10_500 };
/** New links after the provider could not read the photos: once. */
const INPUT_TRIES_MAX = 2;
/** How often a lost answer is looked after; its callback wakes the job at once. */
const LOST_ANSWER_PAUSE_MS = 5_000;
/** Pauses between the tries to write down the id of a task: a database that restarts is away for some seconds. */
const KEEP_PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

/** Creates the provider's task for a generation that has none, or whose last one failed at the provider. */
export async function submitTask(ctx: Context, step: Step): Promise<JobOutcome> {
  const { generation } = step;
  if (generation.cancelRequestedAt !== null) return cancelStep(ctx, step);
  const openMs = await breakerOpenMs(ctx);
  if (openMs > 0) return later(openMs * (0.5 + ctx.random()));
  let imageUrls: string[];
  try {
    imageUrls = await lendPhotos(ctx, step);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return afterFailedUpload(ctx, step, error);
  }
  const aspectRatio = await aspectRatioFor(ctx, step);
  const waitMs = await takePlace(ctx, CREATE_WINDOW);
  if (waitMs > 0) return later(waitMs + ctx.random() * 200);

  let attempt: Attempt | undefined;
  const isFirst = generation.startedAt === null;
  const number = generation.attempt + 1;
  const change = { attempt: number, startedAt: generation.startedAt ?? ctx.clock.now() };
  const mayCreate = await advance(ctx, step, "submitting", change, async (tx) => {
    attempt = await openAttempt(tx, generation.id, number);
    if (isFirst)
      await publish(tx, generation.userId, "generation.started", { id: generation.id, status: "submitting" });
  });
  if (!mayCreate || !attempt) return DONE;
  return createTask(ctx, step, attempt, { imageUrls, ...aspectRatio });
}

/** Nothing that can fail by itself stands between the attempt that was written down and the call. */
async function createTask(
  ctx: Context,
  step: Step,
  attempt: Attempt,
  order: { imageUrls: string[]; aspectRatio?: string },
): Promise<JobOutcome> {
  const { generation } = step;
  let taskId: string;
  try {
    ({ taskId } = await ctx.kie.createTask({
      prompt: generation.prompt,
      ...order,
      callbackUrl: `${ctx.settings.PUBLIC_URL}/api/v1/kie/callback/${callbackSecret(ctx, attempt.id)}`,
      requestId: step.job.requestId ?? generation.id,
    }));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return afterFailedCreate(ctx, step, attempt, error);
  }
  await keepTaskId(ctx, step, attempt, taskId);
  await noteProviderSuccess(ctx);
  return later(FIRST_POLL_MS);
}

/**
 * The task exists, is billed, and its id stands nowhere but here: writing it down is worth several tries. Whoever has
 * taken the job over in the meantime is told of it like by a callback, and asks the provider itself.
 */
async function keepTaskId(ctx: Context, step: Step, attempt: Attempt, taskId: string): Promise<void> {
  for (const pauseMs of [...KEEP_PAUSES_MS, null]) {
    try {
      await advance(ctx, step, "running", {}, async (tx) => {
        await changeAttempt(tx, attempt.id, { state: "running", providerTaskId: taskId, acceptedAt: tx.clock.now() });
      });
      return;
    } catch (error) {
      if (error instanceof LeaseLost) await ctx.transaction((tx) => claimTask(tx, attempt, taskId));
      if (error instanceof LeaseLost || pauseMs === null) throw error;
      ctx.log.warn("the id of a task could not be written down yet", { generation: step.generation.id, error });
      await Bun.sleep(pauseMs);
    }
  }
}

/** What a create that did not answer with a task means for the generation. */
async function afterFailedCreate(
  ctx: Context,
  step: Step,
  attempt: Attempt,
  failure: ProviderFailure,
): Promise<JobOutcome> {
  const { generation } = step;
  ctx.log.warn("the provider did not take a task", {
    generation: generation.id,
    attempt: attempt.number,
    failure: failure.kind,
    error: failure.message,
  });
  const close = (tx: Context) => closeAttempt(tx, attempt.id, { state: "failed", failure: `create:${failure.kind}` });
  switch (failure.kind) {
    case "unknown":
      // The task may exist and be billed. From here only its callback, or the deadline, leads on.
      await changeFenced(ctx, step, attempt, { state: "unknown" });
      await noteProviderFailure(ctx, failure);
      return later((await latestAttempt(ctx, generation.id))?.claimedTaskId ? 0 : LOST_ANSWER_PAUSE_MS);
    case "rate_limited":
      await advance(ctx, step, "queued", {}, close);
      return later((failure.retryAfterMs ?? CREATE_WINDOW.windowMs) * (1 + ctx.random() * 0.2));
    case "unavailable": {
      await noteProviderFailure(ctx, failure);
      const failed = 1 + (await failuresOf(ctx, generation.id, "create:unavailable"));
      if (failed >= PROVIDER_TRIES_MAX) return failStep(ctx, step, "provider_unavailable", close);
      await advance(ctx, step, "queued", {}, close);
      return later(PROVIDER_PAUSE_MS * failed * (0.5 + ctx.random()));
    }
    case "input_unreachable":
      return retryWithNewLinks(ctx, step, close, "create:input_unreachable");
    case "out_of_funds":
    case "unauthorized":
      await noteProviderFailure(ctx, failure);
      return failStep(ctx, step, "provider_unavailable", close);
    case "moderated":
      return failStep(ctx, step, "moderated", close);
    case "rejected":
      // The provider calls our request wrong: a fault of ours that the owner has to hear of.
      return failStep(ctx, step, "internal_error", async (tx) => {
        await close(tx);
        await tellOwner(tx, {
          level: "warning",
          reason: "kie_rejected_request",
          details: { message: failure.message },
        });
      });
  }
}

/** The provider could not read the photos: lend them afresh once, then give up. */
export async function retryWithNewLinks(
  ctx: Context,
  step: Step,
  close: (tx: Context) => Promise<void>,
  failure: "create:input_unreachable" | "task:input_unreachable",
): Promise<JobOutcome> {
  const code: FailureCode = "provider_unavailable";
  const failed = 1 + (await failuresOf(ctx, step.generation.id, failure));
  if (failed >= INPUT_TRIES_MAX) return failStep(ctx, step, code, close);
  const to = step.generation.status === "submitting" ? "queued" : step.generation.status;
  await advance(ctx, step, to, { providerInputs: null }, close);
  return later(0);
}

/**
 * A task was about to be created and no id is known. If a callback named one, it is believed once the provider itself
 * says that this task belongs to our callback address.
 */
export async function awaitLostAnswer(ctx: Context, step: Step, attempt: Attempt): Promise<JobOutcome> {
  if (attempt.state === "submitting") {
    await changeFenced(ctx, step, attempt, { state: "unknown" });
    ctx.log.warn("it is not known whether the provider took a task; waiting for its callback", {
      generation: step.generation.id,
      attempt: attempt.number,
    });
  }
  if (attempt.claimedTaskId === null) return later(LOST_ANSWER_PAUSE_MS);
  const claimed = attempt.claimedTaskId;
  const asked = await askTask(ctx, step, claimed);
  if ("waitMs" in asked) return later(asked.waitMs);
  const { task } = asked;
  // Replication lag proves nothing either way.
  if (task.state === "not_found_yet") return later(LOST_ANSWER_PAUSE_MS);
  if (!task.callbackUrl?.endsWith(`/kie/callback/${callbackSecret(ctx, attempt.id)}`)) {
    ctx.log.error("a callback named a task that is not ours", { generation: step.generation.id });
    await changeFenced(ctx, step, attempt, { claimedTaskId: null });
    return later(LOST_ANSWER_PAUSE_MS);
  }
  await advance(ctx, step, "running", {}, async (tx) => {
    await changeAttempt(tx, attempt.id, { state: "running", providerTaskId: claimed, acceptedAt: tx.clock.now() });
  });
  return later(0);
}

async function changeFenced(
  ctx: Context,
  step: Step,
  attempt: Attempt,
  change: Parameters<typeof changeAttempt>[2],
): Promise<void> {
  await ctx.transaction(async (tx) => {
    await fence(tx, step.job);
    await changeAttempt(tx, attempt.id, change);
  });
}

async function cancelStep(ctx: Context, step: Step): Promise<JobOutcome> {
  await ctx.transaction(async (tx) => {
    await fence(tx, step.job);
    await endGeneration(tx, step.generation.id, { status: "cancelled" });
  });
  return DONE;
}

async function breakerOpenMs(ctx: Context): Promise<number> {
  const state = await providerState(ctx);
  return state?.openUntil ? Math.max(0, state.openUntil.getTime() - ctx.clock.now().getTime()) : 0;
}

/** The framing of the person's photo, as a part of the order. */
async function aspectRatioFor(ctx: Context, { generation }: Step): Promise<{ aspectRatio?: string }> {
  const files = await readableFiles(ctx, generation.userPhotoId === null ? [] : [generation.userPhotoId]);
  const person = [...files.values()][0];
  return person ? { aspectRatio: nearestAspectRatio(person.widthPx, person.heightPx) } : {};
}

const ASPECT_RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"] as const;

/** The provider's aspect ratio that is nearest to the photo's, so that the picture keeps its framing. */
export function nearestAspectRatio(widthPx: number, heightPx: number): string {
  const wanted = Math.log(widthPx / heightPx);
  const distance = (ratio: string) => {
    const [width = 1, height = 1] = ratio.split(":").map(Number);
    return Math.abs(Math.log(width / height) - wanted);
  };
  return ASPECT_RATIOS.reduce(
    (best, ratio) => (distance(ratio) < distance(best) ? ratio : best),
    ASPECT_RATIOS[0],
  ) as string;
}
