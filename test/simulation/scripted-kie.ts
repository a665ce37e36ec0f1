import type { Clock } from "../../src/platform/clock.ts";
import { after, DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../src/platform/errors.ts";
import type { KieClient } from "../../src/providers/kie/client.ts";
import { type KieTask, TASK_NOT_FOUND } from "../../src/providers/kie/task.ts";
import type { Fault, Faults } from "./faults.ts";

const TASK_MS = 7 * SECOND_MS;
const SLOW_TASK_MS = 4 * MINUTE_MS;
const TASK_CREDITS = 4;

/** A task as the provider has it, whoever knows of it. */
export interface ScriptedTask {
  id: string;
  callbackUrl: string;
  createdAt: Date;
  doneAt: Date;
  fate: Fault<"kie.task"> | "succeeds";
}

export type TaskState = "pending" | "succeeded" | "failed" | "vanished";

export interface ScriptedKie extends KieClient {
  readonly tasks: readonly ScriptedTask[];
  stateOf(task: ScriptedTask): TaskState;
  /** The download that the product makes of a result's link. */
  fetchResult(url: string): Promise<Uint8Array>;
}

/** kie.ai with its own books of what it was asked and what it did. */
export function createScriptedKie({ clock, faults }: { clock: Clock; faults: Faults }): ScriptedKie {
  const tasks: ScriptedTask[] = [];
  const fail = (kind: ProviderFailureKind, message: string): never => {
    throw new ProviderFailure("kie.ai", kind, message, kind === "rate_limited" ? { retryAfterMs: 10_000 } : {});
  };
  const stateOf = (task: ScriptedTask): TaskState => {
    if (task.fate === "vanished") return "vanished";
    if (clock.now() < task.doneAt) return "pending";
    return task.fate === "succeeds" || task.fate === "slow" || task.fate === "no_picture" ? "succeeded" : "failed";
  };
  return {
    tasks,
    stateOf,
    async createTask(order) {
      const fault = faults.take("kie.create");
      if (fault !== null && fault !== "lost") return fail(fault, `scripted ${fault}`);
      const fate = faults.take("kie.task") ?? "succeeds";
      const createdAt = clock.now();
      const ms = fate === "never" ? 365 * DAY_MS : fate === "slow" ? SLOW_TASK_MS : TASK_MS;
      const id = `task_${tasks.length + 1}`;
      tasks.push({ id, callbackUrl: order.callbackUrl ?? "", createdAt, doneAt: after(createdAt, ms), fate });
      if (fault === "lost") return fail("unknown", "scripted lost answer");
      return { taskId: id };
    },
    async getTask(taskId) {
      const fault = faults.take("kie.read");
      if (fault === "unavailable" || fault === "rate_limited") return fail(fault, `scripted ${fault}`);
      const task = tasks.find(({ id }) => id === taskId);
      if (!task || fault === "lagging" || stateOf(task) === "vanished") return TASK_NOT_FOUND;
      return taskView(task, stateOf(task));
    },
    async uploadImage() {
      if (faults.take("kie.upload") !== null) return fail("unavailable", "scripted unavailable");
      return { url: "https://files.example.com/upload.jpg" };
    },
    async credits() {
      const fault = faults.take("kie.credits");
      if (fault === "unavailable") return fail("unavailable", "scripted unavailable");
      return fault === "none_left" ? 1 : 100_000;
    },
    async fetchResult(url) {
      const fault = faults.take("kie.result");
      if (fault !== null) return fail(fault, `scripted ${fault}`);
      return new Uint8Array([url.includes("no_picture") ? 0 : 1, 2, 3]);
    },
  };
}

function taskView(task: ScriptedTask, state: TaskState): KieTask {
  const common = { rawState: state, callbackUrl: task.callbackUrl };
  if (state === "succeeded") {
    const resultUrls = [`https://results.example.com/${task.id}-${task.fate}.jpg`];
    return { ...common, state, resultUrls, creditsConsumed: TASK_CREDITS };
  }
  if (state !== "failed") return { ...common, state: "pending", resultUrls: [] };
  const kind =
    task.fate === "moderated" || task.fate === "refused" || task.fate === "input_unreachable" ? task.fate : "transient";
  return { ...common, state, resultUrls: [], failure: { kind, code: "500", message: kind }, creditsConsumed: 0 };
}

/** To which attempt a task belongs, by its callback's address. */
export function attemptOf(task: ScriptedTask): string {
  return /\/kie\/callback\/([0-9a-f-]{36})\./.exec(task.callbackUrl)?.[1] ?? "";
}
