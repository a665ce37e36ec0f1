import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome, later } from "../../platform/queue/outcome.ts";
import { StorageFailure } from "../../platform/storage/storage.ts";
import { latestAttempt } from "./attempts.ts";
import { collectResult } from "./collect.ts";
import { failAtDeadline } from "./finish.ts";
import { pollTask } from "./poll.ts";
import type { Generation } from "./start.ts";
import { isFinal } from "./states.ts";
import { failStep, findGeneration, type Step } from "./step.ts";
import { awaitLostAnswer, submitTask } from "./submit.ts";

/** Between two tries while the storage is away; half to one and a half times as long. */
const STORAGE_PAUSE_MS = 5_000;

/**
 * The job `generation.run`: one step of one generation. It never waits in a slot while the provider works; it answers
 * "later" and is picked up again by its own clock or by the provider's callback.
 *
 *   queued      submit: lend the photos, take a place in the provider's rate, write the attempt, create the task
 *   submitting  the process died, or the answer was lost, between "about to create" and "has an id": the task may exist
 *               and is never created again; wait for its callback, give up at the deadline
 *   running     poll the task; its end leads on, its failure perhaps to a new attempt
 *   finishing   fetch, check, re-encode, mark, store, end
 *
 * Every transaction that writes starts with the fence, so a worker that lost its lease changes nothing.
 */
export async function runGeneration(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const generationId = String(job.payload.generation_id);
  const generation = await findGeneration(ctx, generationId);
  if (!generation || isFinal(generation.status)) return DONE;
  if (generation.deadlineAt <= ctx.clock.now()) {
    await ctx.transaction(async (tx) => {
      await fence(tx, job);
      await failAtDeadline(tx, generation.id);
    });
    return DONE;
  }
  const step: Step = { generation, job };
  try {
    return notBeyondDeadline(ctx, generation, await runStep(ctx, step));
  } catch (error) {
    if (error instanceof Refusal && error.code === "photo_expired") return failStep(ctx, step, "photo_expired");
    if (error instanceof StorageFailure) {
      // The picture may be finished and paid for: the whole time until the deadline is there to wait for the storage.
      ctx.log.error("a generation waits for the storage", { generation: generation.id, error });
      return notBeyondDeadline(ctx, generation, later(STORAGE_PAUSE_MS * (0.5 + ctx.random())));
    }
    throw error;
  }
}

/** Whatever a step waits for, its job is there to end the generation when its time is over. */
function notBeyondDeadline(ctx: Context, generation: Generation, outcome: JobOutcome): JobOutcome {
  if (outcome.kind !== "later") return outcome;
  const leftMs = Math.max(0, generation.deadlineAt.getTime() - ctx.clock.now().getTime());
  return later(Math.min(outcome.afterMs, leftMs));
}

async function runStep(ctx: Context, step: Step): Promise<JobOutcome> {
  const { generation } = step;
  if (generation.status === "queued") return submitTask(ctx, step);
  const attempt = await latestAttempt(ctx, generation.id);
  if (!attempt) throw new Error(`generation ${generation.id} is ${generation.status} without an attempt`);
  if (generation.status === "submitting") return awaitLostAnswer(ctx, step, attempt);
  if (generation.status === "running") {
    return attempt.state === "failed" ? submitTask(ctx, step) : pollTask(ctx, step, attempt);
  }
  return collectResult(ctx, step, attempt);
}
