import { timingSafeEqual } from "node:crypto";
import { MINUTE_MS } from "../../platform/clock.ts";
import { kieSignature } from "./wire.ts";

/** How old, or how far ahead of our clock, a signed callback may be. The provider names no window; this one is ours. */
export const SIGNATURE_WINDOW_MS = 5 * MINUTE_MS;

/**
 * Whether a callback's headers prove that its sender holds our webhook key. They say nothing about the body: it is a hint
 * to read the task again, never the truth. `timestamp` is the header's text, in Unix seconds.
 */
export function verifyKieSignature(input: {
  key: string;
  taskId: string;
  timestamp: string;
  signature: string;
  now: Date;
}): boolean {
  if (!/^\d{1,12}$/.test(input.timestamp)) return false;
  const distanceMs = Math.abs(input.now.getTime() - Number(input.timestamp) * 1_000);
  if (distanceMs > SIGNATURE_WINDOW_MS) return false;
  const expected = Buffer.from(kieSignature(input.key, input.taskId, input.timestamp));
  const given = Buffer.from(input.signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** The task that a callback speaks of, in each of the three shapes that are known; undefined when it names none. */
export function callbackTaskId(body: unknown): string | undefined {
  const data = member(body, "data");
  const id = member(data, "taskId") ?? member(data, "task_id") ?? member(body, "taskId");
  return typeof id === "string" && id !== "" && id.length <= TASK_ID_CHARACTERS_MAX ? id : undefined;
}

const TASK_ID_CHARACTERS_MAX = 200;

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
