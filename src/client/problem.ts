import type { Problem as BareProblem } from "../platform/http/problem.ts";

/** Why a request was refused: decide by `code`, show `detail`. */
export interface Problem extends BareProblem {
  errors?: Array<{ path: string; message: string }>;
  /** Seconds. */
  retry_after?: number;
}

/** The refusal in a call's `error`; null when there is none, or when no answer came at all. */
export function problemOf(error: { value: unknown } | null): Problem | null {
  const value = error?.value;
  return typeof value === "object" && value !== null && "code" in value && "request_id" in value
    ? (value as Problem)
    : null;
}
