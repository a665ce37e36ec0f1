import type { Context } from "../../context.ts";
import { isLoopback } from "../../platform/config/load.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { takePlace } from "../../platform/limits/window.ts";
import { publish } from "../../platform/live/events.ts";
import { DONE, type JobOutcome, later } from "../../platform/queue/outcome.ts";
import { type FailureCode, tellOwner } from "../notifications/index.ts";
import { PROVIDER_LINK_VALID_MS, providerLinkTo, readableFiles, readFile, type StoredFile } from "../photos/index.ts";
import { type Attempt, callbackSecret, changeAttempt, closeAttempt, failuresOf, openAttempt } from "./attempts.ts";
import { endGeneration } from "./finish.ts";
import { noteProviderFailure, noteProviderSuccess, providerState } from "./provider-state.ts";
import { advance, FIRST_POLL_MS, failStep, PROVIDER_PAUSE_MS, PROVIDER_TRIES_MAX, type Step } from "./step.ts";

/** kie.ai refuses more than 20 new tasks in 10 s for an account; half a second more allows for the way there. */
export const CREATE_WINDOW = { name: "kie.create", count: 20, windowMs: 10_500 };
/** New links after the provider could not read the photos: once. */
const INPUT_TRIES_MAX = 2;
/** How often a lost answer is looked after; its callback wakes the job at once. */
const LOST_ANSWER_PAUSE_MS = 5_000;

/** Creates the provider's task for a generation that has none, or whose last one failed at the provider. */
export async function submitTask(ctx: Context, step: Step): Promise<JobOutcome> {
  const { generation } = step;
  if (generation.cancelRequestedAt !== null) return cancelStep(ctx, step);
  const openMs = await breakerOpenMs(ctx);
  if (openMs > 0) return later(openMs * (0.5 + ctx.random()));
  const imageUrls = await lendPhotos(ctx, step);
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
  return createTask(ctx, step, attempt, imageUrls);
}

async function createTask(ctx: Context, step: Step, attempt: Attempt, imageUrls: string[]): Promise<JobOutcome> {
  const { generation } = step;
  let taskId: string;
  try {
    const files = await readableFiles(ctx, generation.userPhotoId === null ? [] : [generation.userPhotoId]);
    const person = [...files.values()][0];
    ({ taskId } = await ctx.kie.createTask({
      prompt: generation.prompt,
      imageUrls,
      callbackUrl: `${ctx.settings.PUBLIC_URL}/api/v1/kie/callback/${callbackSecret(ctx, attempt.id)}`,
      ...(person ? { aspectRatio: nearestAspectRatio(person.widthPx, person.heightPx) } : {}),
      requestId: step.job.requestId ?? generation.id,
    }));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return afterFailedCreate(ctx, step, attempt, error);
  }
  await noteProviderSuccess(ctx);
  await advance(ctx, step, "running", {}, async (tx) => {
    await changeAttempt(tx, attempt.id, { state: "running", providerTaskId: taskId, acceptedAt: tx.clock.now() });
  });
  return later(FIRST_POLL_MS);
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
      await ctx.transaction((tx) => changeAttempt(tx, attempt.id, { state: "unknown" }).then(() => {}));
      await noteProviderFailure(ctx, failure);
      return later(LOST_ANSWER_PAUSE_MS);
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
    await ctx.transaction((tx) => changeAttempt(tx, attempt.id, { state: "unknown" }).then(() => {}));
    ctx.log.warn("it is not known whether the provider took a task; waiting for its callback", {
      generation: step.generation.id,
      attempt: attempt.number,
    });
  }
  if (attempt.claimedTaskId === null) return later(LOST_ANSWER_PAUSE_MS);
  const task = await ctx.kie.getTask(attempt.claimedTaskId);
  const claimed = attempt.claimedTaskId;
  if (!task.callbackUrl?.endsWith(`/kie/callback/${callbackSecret(ctx, attempt.id)}`)) {
    ctx.log.error("a callback named a task that is not ours", { generation: step.generation.id });
    await ctx.transaction((tx) => changeAttempt(tx, attempt.id, { claimedTaskId: null }).then(() => {}));
    return later(LOST_ANSWER_PAUSE_MS);
  }
  await advance(ctx, step, "running", {}, async (tx) => {
    await changeAttempt(tx, attempt.id, { state: "running", providerTaskId: claimed, acceptedAt: tx.clock.now() });
  });
  return later(0);
}

async function cancelStep(ctx: Context, step: Step): Promise<JobOutcome> {
  await ctx.transaction((tx) => endGeneration(tx, step.generation.id, { status: "cancelled" }).then(() => {}));
  return DONE;
}

async function breakerOpenMs(ctx: Context): Promise<number> {
  const state = await providerState(ctx);
  return state?.openUntil ? Math.max(0, state.openUntil.getTime() - ctx.clock.now().getTime()) : 0;
}

/** Links under which the provider finds the photos: our own where the outside reaches us, its upload API elsewhere. */
async function lendPhotos(ctx: Context, step: Step): Promise<string[]> {
  const { generation } = step;
  const kept = generation.providerInputs;
  if (kept !== null && kept.validUntilMs > ctx.clock.now().getTime()) return kept.urls;
  const ids = [generation.userPhotoId, generation.itemPhotoId].filter((id) => id !== null);
  const urls: string[] = [];
  for (const id of ids) {
    const { file, bytes } = await readFile(ctx, id);
    urls.push(publishesLinks(ctx) ? providerLinkTo(ctx, file) : await upload(ctx, file, bytes));
  }
  const validUntilMs = ctx.clock.now().getTime() + PROVIDER_LINK_VALID_MS / 2;
  await advance(ctx, step, generation.status, { providerInputs: { urls, validUntilMs } });
  return urls;
}

async function upload(ctx: Context, file: StoredFile, bytes: Uint8Array): Promise<string> {
  const { url } = await ctx.kie.uploadImage({ bytes, mime: file.mime });
  return url;
}

function publishesLinks(ctx: Pick<Context, "settings">): boolean {
  if (ctx.settings.KIE_INPUTS !== "auto") return ctx.settings.KIE_INPUTS === "links";
  return URL.canParse(ctx.settings.PUBLIC_URL) && !isLoopback(new URL(ctx.settings.PUBLIC_URL).hostname);
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
