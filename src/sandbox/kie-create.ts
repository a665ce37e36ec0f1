import { Value } from "@sinclair/typebox/value";
import { CreateTaskBody } from "../providers/kie/wire.ts";
import type { Strike } from "./faults.ts";
import type { KieAnswers } from "./kie-answers.ts";
import { type KieRefusal, REFUSALS } from "./kie-faults.ts";
import { type KieRunOptions, startRun } from "./kie-run.ts";
import { createRefusal } from "./kie-validate.ts";

const LAG_MS_DEFAULT = 500;

export interface CreateCounts {
  /** Tasks made, those whose answer was lost included. */
  accepted: number;
  /** By code. */
  refused: Record<string, number>;
  /** By mode of the fault that struck. */
  disturbed: Record<string, number>;
}

/** Takes one create: judges the body, the account and the limits, and lets the task run. */
export async function carryOutCreate(
  request: Request,
  strike: Strike | undefined,
  options: KieRunOptions & { answers: KieAnswers; counts: CreateCounts },
): Promise<Response> {
  const { faults, tasks, answers, counts } = options;
  const body: unknown = await request.json().catch(() => undefined);
  const refusal = createRefusal(body) ?? gateRefusal(body, options);
  if (refusal !== undefined || !Value.Check(CreateTaskBody, body)) {
    const said = refusal ?? REFUSALS["400"];
    tally(counts.refused, String(said.code));
    return answers.refuse(said);
  }
  const lag = faults.strike("kie.lag");
  const task = tasks.add(body, {
    requestId: request.headers.get("x-request-id") ?? undefined,
    hiddenForMs: lag === undefined ? 0 : (lag.delayMs ?? LAG_MS_DEFAULT),
  });
  counts.accepted += 1;
  await startRun(task, options);
  if (strike?.mode === "no_task_id") return answers.success(null);
  return answers.success({ taskId: task.taskId, recordId: task.taskId });
}

/** Adds one to what is counted under `key`. */
export function tally(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function gateRefusal(body: unknown, { faults, tasks }: KieRunOptions): KieRefusal | undefined {
  const account = faults.strike("kie.account")?.mode;
  if (account === "empty_500") return REFUSALS["500_credits"];
  if (account === "empty_402") return REFUSALS["402"];
  if (Value.Check(CreateTaskBody, body) && tasks.balance < tasks.priceOf(body)) return REFUSALS["402"];
  if (faults.strike("kie.limits") === undefined && !tasks.admitCreate()) return REFUSALS["429"];
  return undefined;
}
