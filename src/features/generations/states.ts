/** The life of a generation; ends are final. */
export const GENERATION_STATUSES = [
  "queued",
  "submitting",
  "running",
  "finishing",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type GenerationStatus = (typeof GENERATION_STATUSES)[number];

/**
 * Every transition that exists. `running -> submitting` is a new attempt after a fault of the provider; `submitting ->
 * queued` happens only when it is certain that the provider did not take the task.
 */
const TRANSITIONS: Record<GenerationStatus, readonly GenerationStatus[]> = {
  queued: ["submitting", "failed", "cancelled"],
  submitting: ["queued", "running", "failed", "cancelled"],
  running: ["submitting", "finishing", "failed", "cancelled"],
  finishing: ["succeeded", "failed", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** Whether a generation may go from one status to the other. */
export function mayBecome(from: GenerationStatus, to: GenerationStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether nothing changes any more. */
export function isFinal(status: GenerationStatus): boolean {
  return TRANSITIONS[status].length === 0;
}

export const LIVE_STATUSES = GENERATION_STATUSES.filter((status) => !isFinal(status));
