import { inScope, type Scope } from "../telemetry/scope.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { LeasedJob } from "./claim.ts";
import { type JobOutcome, LeaseLost } from "./outcome.ts";

/** Runs a job inside a scope of its own, counted, timed and traced where somebody wants that. */
export function watchJob(
  { meters, traces }: Pick<Telemetry, "meters" | "traces">,
  job: LeasedJob,
  work: () => Promise<JobOutcome>,
): Promise<JobOutcome> {
  const requestId = job.requestId ?? "";
  const scope: Scope = { requestId, jobKind: job.kind };
  if (traces === null) return inScope(scope, () => counted(meters, job, work));
  const span = { kind: job.kind, jobId: job.id, requestId, parent: job.traceParent, outcomeOf: wordOf };
  return inScope(scope, () =>
    traces.job(span, () => {
      scope.traceParent = traces.current();
      return counted(meters, job, work);
    }),
  );
}

async function counted(
  meters: Telemetry["meters"],
  job: LeasedJob,
  work: () => Promise<JobOutcome>,
): Promise<JobOutcome> {
  if (meters === null) return work();
  const startedAt = performance.now();
  const seen = (outcome: string): void => meters.job(job.kind, outcome, (performance.now() - startedAt) / 1000);
  try {
    const outcome = await work();
    seen(wordOf(outcome));
    return outcome;
  } catch (error) {
    seen(error instanceof LeaseLost ? "lost" : "failed");
    throw error;
  }
}

const WORDS = { done: "done", later: "later", failed: "failed", give_up: "given_up" } as const;

function wordOf(outcome: JobOutcome): string {
  return outcome.kind === "failed" && outcome.error instanceof LeaseLost ? "lost" : WORDS[outcome.kind];
}
