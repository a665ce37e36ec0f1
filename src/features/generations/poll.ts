import type { Context } from "../../context.ts";
import { MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { type JobOutcome, later } from "../../platform/queue/outcome.ts";
import type { KieTask } from "../../providers/kie/task.ts";
import { tellOwner } from "../notifications/index.ts";
import { askTask } from "./ask-task.ts";
import { type Attempt, closeAttempt, countPoll, failuresOf } from "./attempts.ts";
import { collectResult } from "./collect.ts";
import { estimatedProgress } from "./estimate.ts";
import {
  advance,
  FIRST_POLL_MS,
  failStep,
  PROVIDER_PAUSE_MS,
  PROVIDER_TRIES_MAX,
  raiseProgress,
  type Step,
} from "./step.ts";
import { retryWithNewLinks } from "./submit.ts";

/** Right after the create an unknown task is replication lag; after this time it is lost. */
const NOT_FOUND_GRACE_MS = 90 * SECOND_MS;

/** The pause before the next look at a task of this age: 2.5 s, then 5 s, then 15 s, as the provider asks for. */
export function pollPauseMs(ageMs: number): number {
  if (ageMs < 30 * SECOND_MS) return FIRST_POLL_MS;
  return ageMs < 2 * MINUTE_MS ? 5 * SECOND_MS : 15 * SECOND_MS;
}

/** One look at the provider's task. */
export async function pollTask(ctx: Context, step: Step, attempt: Attempt): Promise<JobOutcome> {
  if (attempt.providerTaskId === null) throw new Error(`attempt ${attempt.id} runs without a task id`);
  const asked = await askTask(ctx, step, attempt.providerTaskId);
  if ("waitMs" in asked) return later(asked.waitMs);
  const { task } = asked;
  await countPoll(ctx, attempt.id);
  const ageMs = ctx.clock.now().getTime() - (attempt.acceptedAt ?? attempt.submittedAt).getTime();
  switch (task.state) {
    case "pending":
      await raiseProgress(ctx, step, task.progress ?? (await estimatedProgress(ctx, ageMs)));
      return later(pollPauseMs(ageMs));
    case "not_found_yet":
      if (ageMs < NOT_FOUND_GRACE_MS) return later(FIRST_POLL_MS);
      return failStep(ctx, step, "provider_unavailable", async (tx) => {
        await closeAttempt(tx, attempt.id, { state: "failed", failure: "task:lost" });
        await tellOwner(tx, {
          level: "warning",
          reason: "kie_lost_task",
          details: { generation_id: step.generation.id },
        });
      });
    case "succeeded": {
      const moved = await advance(ctx, step, "finishing", { progress: Math.max(95, step.generation.progress) });
      return moved ? collectResult(ctx, step, attempt, task) : later(0);
    }
    case "failed":
      return afterFailedTask(ctx, step, attempt, task);
  }
}

/** What a task that failed at the provider means for the generation. Failed tasks are not billed. */
async function afterFailedTask(ctx: Context, step: Step, attempt: Attempt, task: KieTask): Promise<JobOutcome> {
  const kind = task.failure?.kind ?? "transient";
  const close = (tx: Context) =>
    closeAttempt(tx, attempt.id, {
      state: "failed",
      failure: `task:${kind} ${task.failure?.code ?? ""}`.trim(),
      credits: task.creditsConsumed,
    });
  ctx.log.warn("the provider's task failed", {
    generation: step.generation.id,
    attempt: attempt.number,
    failure: kind,
    code: task.failure?.code,
  });
  if (kind === "moderated") return failStep(ctx, step, "moderated", close);
  if (kind === "refused") return failStep(ctx, step, "provider_refused", close);
  if (kind === "input_unreachable") return retryWithNewLinks(ctx, step, close, "task:input_unreachable");
  if (kind === "transient") {
    const failed = 1 + (await failuresOf(ctx, step.generation.id, "task:transient"));
    if (failed < PROVIDER_TRIES_MAX) {
      await advance(ctx, step, "running", {}, close);
      return later(PROVIDER_PAUSE_MS * failed * (0.5 + ctx.random()));
    }
  }
  return failStep(ctx, step, "provider_unavailable", close);
}
