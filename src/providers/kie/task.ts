import { Value } from "@sinclair/typebox/value";
import { type TaskFailureKind, taskFailureKind } from "./classify.ts";
import { TaskRecord } from "./wire.ts";

export interface KieTask {
  /** `not_found_yet`: unknown to the provider, which right after the create is only replication lag. */
  state: "pending" | "succeeded" | "failed" | "not_found_yet";
  /** The provider's own word, for the log. */
  rawState: string;
  /** 0..100, where the provider gives one. */
  progress?: number;
  resultUrls: string[];
  failure?: { kind: TaskFailureKind; code: string; message: string };
  /** Absent when not told, or when what was told is impossible. */
  creditsConsumed?: number;
  callbackUrl?: string;
}

export interface ReadTask {
  task: KieTask;
  /** What the provider named as the cost when no cost can be that (C6): below zero, not finite, not a number. */
  impossibleCost?: unknown;
}

export const TASK_NOT_FOUND: KieTask = { state: "not_found_yet", rawState: "", resultUrls: [] };
const MESSAGE_CHARACTERS_MAX = 300;

/**
 * Reads the `data` of `recordInfo` in all its known shapes. A state that nobody has heard of counts as pending. A success
 * without a picture counts as a failure, and as a transient one unless its text says otherwise: another try may give one.
 */
export function readTask(data: unknown): ReadTask | undefined {
  if (!Value.Check(TaskRecord, data)) return undefined;
  const resultUrls = resultUrlsOf(data);
  const cost = data.creditsConsumed ?? data.consumeCredits;
  const costIsPossible = typeof cost === "number" && Number.isFinite(cost) && cost >= 0;
  const callbackUrl = callbackUrlOf(data);
  const progress = data.progress;
  const task: KieTask = {
    ...outcomeOf(data, resultUrls),
    rawState: data.state,
    resultUrls,
    ...(typeof progress === "number" && progress >= 0 && progress <= 100 ? { progress } : {}),
    ...(costIsPossible ? { creditsConsumed: cost } : {}),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
  return cost === undefined || cost === null || costIsPossible ? { task } : { task, impossibleCost: cost };
}

/** A task that failed according to the envelope alone, without a record. */
export function failedTask(code: string, message: string): KieTask {
  return { state: "failed", rawState: "", resultUrls: [], failure: failureFrom(code, message) };
}

function outcomeOf(data: TaskRecord, resultUrls: string[]): Pick<KieTask, "state" | "failure"> {
  const code = data.failCode === undefined || data.failCode === null ? "" : String(data.failCode);
  const message = data.failMsg ?? "";
  if (data.state === "fail") return { state: "failed", failure: failureFrom(code, message) };
  if (data.state !== "success") return { state: "pending" };
  if (resultUrls.length > 0) return { state: "succeeded" };
  return { state: "failed", failure: failureFrom(code, message || "success without a picture") };
}

function failureFrom(code: string, message: string): NonNullable<KieTask["failure"]> {
  return { kind: taskFailureKind(code, message), code, message: message.slice(0, MESSAGE_CHARACTERS_MAX) };
}

function resultUrlsOf(data: TaskRecord): string[] {
  const parsed = urlsIn(data.response);
  return parsed.length > 0 ? parsed : urlsIn(fromJsonText(data.resultJson));
}

function urlsIn(value: unknown): string[] {
  const urls = member(value, "resultUrls");
  if (!Array.isArray(urls)) return [];
  return urls.filter((url): url is string => typeof url === "string" && url !== "");
}

function callbackUrlOf(data: TaskRecord): string | undefined {
  const url = member(fromJsonText(data.param ?? data.paramJson), "callBackUrl");
  return typeof url === "string" && url !== "" ? url : undefined;
}

/** `value` as it is, or parsed where it is JSON text. */
function fromJsonText(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
