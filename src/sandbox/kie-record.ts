import type { TaskRecord } from "../providers/kie/wire.ts";
import type { EmulatedTask } from "./kie-tasks.ts";

/** How task records have looked: recorded in April and since September 2026, and as the documentation has it. */
export type RecordShape = "april" | "september" | "documentation";

/** A task as `recordInfo` and the callback show it. */
export function recordOf(task: EmulatedTask, shape: RecordShape): TaskRecord {
  const param = paramOf(task);
  const base = {
    taskId: task.taskId,
    model: task.body.model,
    state: task.state,
    param,
    resultJson: resultJsonOf(task),
    createTime: task.createdAt.getTime(),
    completeTime: task.completedAt?.getTime() ?? null,
  };
  if (shape === "documentation") {
    const updateTime = (task.completedAt ?? task.createdAt).getTime();
    return { ...base, failCode: task.failCode, failMsg: task.failMsg, costTime: durationMs(task), ...{ updateTime } };
  }
  const recorded = {
    ...base,
    failCode: task.state === "fail" ? task.failCode : null,
    failMsg: task.state === "fail" ? task.failMsg : null,
    costTime: costSeconds(task),
  };
  if (shape === "april") return recorded;
  return {
    ...recorded,
    paramJson: param,
    ...(task.state === "success" && !task.resultIsEmpty ? { response: { resultUrls: task.resultUrls } } : {}),
    creditsConsumed: task.state === "fail" ? 0 : (task.creditsConsumed ?? task.price),
    successFlag: task.state === "success" ? 1 : 0,
    operationType: task.body.model,
  };
}

/** JSON text, in which the input is JSON text again. */
function paramOf(task: EmulatedTask): string {
  const { model, callBackUrl, input } = task.body;
  return JSON.stringify({ input: JSON.stringify(input), model, ...(callBackUrl === undefined ? {} : { callBackUrl }) });
}

function resultJsonOf(task: EmulatedTask): string {
  return task.state === "success" && !task.resultIsEmpty ? JSON.stringify({ resultUrls: task.resultUrls }) : "";
}

function durationMs(task: EmulatedTask): number | null {
  return task.completedAt === undefined ? null : task.completedAt.getTime() - task.createdAt.getTime();
}

/** Whole seconds in reality, whatever the documentation says; 0 for what failed. */
function costSeconds(task: EmulatedTask): number | null {
  const ms = durationMs(task);
  if (ms === null) return null;
  return task.state === "fail" ? 0 : Math.round(ms / 1_000);
}
