import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { SECOND_MS } from "../platform/clock.ts";
import type { CreateTaskBody } from "../providers/kie/wire.ts";
import { CALLBACK_MODES, OUTCOMES } from "./kie-faults.ts";

const TASK_COUNT_MAX = 5_000;
const CREATES_PER_WINDOW = 20;
const CREATE_WINDOW_MS = 10 * SECOND_MS;
const QUERIES_PER_SECOND = 10;

/** Credits of one picture (catalogue of October 2026); 1K where the price depends on the resolution. */
const PRICES: Readonly<Record<string, number>> = {
  "google/nano-banana": 4,
  "google/nano-banana-edit": 4,
  "nano-banana-2-lite": 4,
  "nano-banana-2": 8,
  "nano-banana-pro": 18,
};
const PRICE_2K: Readonly<Record<string, number>> = { "nano-banana-2": 12 };
const PRICE_4K: Readonly<Record<string, number>> = { "nano-banana-2": 18, "nano-banana-pro": 24 };

export type KieTaskState = "waiting" | "generating" | "success" | "fail";

/** One task of the emulated provider. */
export interface EmulatedTask {
  readonly taskId: string;
  readonly body: CreateTaskBody;
  readonly prompt: string;
  /** What the prompt asks of the sandbox: the `x` of each `sandbox:x` that is known. */
  readonly markers: readonly string[];
  readonly requestId: string | undefined;
  readonly createdAt: Date;
  /** Until this moment of the machine's own time `recordInfo` does not know the task. */
  readonly hiddenUntilMs: number;
  readonly price: number;
  state: KieTaskState;
  completedAt: Date | undefined;
  resultUrls: string[];
  /** A success that names no result at all, not even an empty list. */
  resultIsEmpty: boolean;
  failCode: string;
  failMsg: string;
  /** In place of the price; for costs that cannot be. */
  creditsConsumed: unknown;
}

export interface KieTasks {
  add(body: CreateTaskBody, about: { requestId: string | undefined; hiddenForMs: number }): EmulatedTask;
  find(taskId: string): EmulatedTask | undefined;
  all(): EmulatedTask[];
  /** Counts one create against the window; false when there is no place in it. */
  admitCreate(): boolean;
  admitQuery(): boolean;
  priceOf(body: CreateTaskBody): number;
  /** Ends a task; a failed one gets its credits back. */
  finish(task: EmulatedTask, ending: Partial<Omit<EmulatedTask, "state">> & { state: "success" | "fail" }): void;
  balance: number;
}

/** The account of the emulated provider: its tasks, its credits and its limits. */
export function createKieTasks(options: { clock: Clock; credits: number }): KieTasks {
  const byId = new Map<string, EmulatedTask>();
  const creates: number[] = [];
  const queries: number[] = [];
  const nowMs = (): number => options.clock.now().getTime();

  const tasks: KieTasks = {
    balance: options.credits,
    add(body, about) {
      const prompt = String(body.input.prompt);
      const task: EmulatedTask = {
        taskId: randomBytes(16).toString("hex"),
        body,
        prompt,
        markers: markersIn(prompt),
        requestId: about.requestId,
        createdAt: options.clock.now(),
        hiddenUntilMs: Date.now() + about.hiddenForMs,
        price: priceOf(body),
        state: "waiting",
        completedAt: undefined,
        resultUrls: [],
        resultIsEmpty: false,
        failCode: "",
        failMsg: "",
        creditsConsumed: undefined,
      };
      tasks.balance -= task.price;
      byId.set(task.taskId, task);
      const oldest = byId.keys().next().value;
      if (byId.size > TASK_COUNT_MAX && oldest !== undefined) byId.delete(oldest);
      return task;
    },
    find: (taskId) => byId.get(taskId),
    all: () => [...byId.values()],
    admitCreate: () => admit(creates, nowMs(), CREATES_PER_WINDOW, CREATE_WINDOW_MS),
    admitQuery: () => admit(queries, nowMs(), QUERIES_PER_SECOND, SECOND_MS),
    priceOf,
    finish(task, ending) {
      Object.assign(task, ending, { completedAt: options.clock.now() });
      if (ending.state === "fail") tasks.balance += task.price;
    },
  };
  return tasks;
}

/** A short name for a prompt that does not show it. */
export function promptHash(prompt: string): string {
  return createHash("sha256").update(prompt).digest("hex").slice(0, 16);
}

const MARKERS = new Set<string>([...OUTCOMES, ...CALLBACK_MODES.map((mode) => `callback_${mode}`)]);

function markersIn(prompt: string): string[] {
  const named = [...prompt.matchAll(/sandbox:([a-z0-9_]+)/g)].map((match) => match[1] ?? "");
  return [...new Set(named)].filter((marker) => MARKERS.has(marker));
}

function priceOf(body: CreateTaskBody): number {
  const { resolution } = body.input;
  const special = resolution === "4K" ? PRICE_4K[body.model] : resolution === "2K" ? PRICE_2K[body.model] : undefined;
  return special ?? PRICES[body.model] ?? 0;
}

/** A sliding window over the moments of the calls that were let in. */
function admit(moments: number[], nowMs: number, count: number, windowMs: number): boolean {
  while (moments[0] !== undefined && moments[0] <= nowMs - windowMs) moments.shift();
  if (moments.length >= count) return false;
  moments.push(nowMs);
  return true;
}
