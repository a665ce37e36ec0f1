import { ProviderFailure, type ProviderFailureKind } from "../../platform/errors.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { OPENROUTER } from "./classify.ts";

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** Millionths of a US dollar, as charged to our account; null when not told, or when what was told cannot be. */
  costMicrodollars: number | null;
}

/** A finished answer of a model. */
export interface Completion {
  text: string;
  /** The one that really wrote it, which may be a fallback. */
  model: string;
  usage: Usage;
  /** Normally `stop`; empty when the provider named none. */
  finishReason: string;
  /** The provider's name for this answer; empty when it named none. */
  generationId: string;
}

/**
 * Why an answer is of no use though the provider did what it could.
 * - `length`: cut off at `maxTokens`; a shorter answer may fit
 * - `empty`: nothing, or nothing but white space; asking once more may help
 * - `refusal`: the model declines
 * - `content_filter`: a filter stopped it
 */
export type UnusableReason = "length" | "empty" | "refusal" | "content_filter";

const UNUSABLE: Readonly<Record<UnusableReason, { kind: ProviderFailureKind; message: string }>> = {
  length: { kind: "rejected", message: "the answer was cut off at max_tokens" },
  empty: { kind: "rejected", message: "the answer holds no text" },
  refusal: { kind: "moderated", message: "the model declined to answer" },
  content_filter: { kind: "moderated", message: "a content filter stopped the answer" },
};

/** An answer that came, was paid for, and cannot be used. It is not asked again from here: the caller knows how. */
export class UnusableAnswer extends ProviderFailure {
  readonly reason: UnusableReason;
  /** What it cost all the same. The text is left out, so that no log can show it. */
  readonly paid: Omit<Completion, "text">;

  constructor(reason: UnusableReason, paid: Omit<Completion, "text">) {
    super(OPENROUTER, UNUSABLE[reason].kind, UNUSABLE[reason].message);
    this.reason = reason;
    this.paid = paid;
  }
}

/** What was gathered of an answer, whole or streamed, before it is judged. */
export interface Gathered {
  text: string;
  refusal: string;
  finishReason: string;
  nativeFinishReason: string;
  model: string;
  generationId: string;
  usage: unknown;
}

/** The answer as a result. Throws `UnusableAnswer`; reports a cost that cannot be (C6). */
export function judge(gathered: Gathered, log: Log): Completion {
  const { text, model, generationId, finishReason } = gathered;
  const usage = readUsage(gathered.usage, (what) => {
    log.error("OpenRouter named an impossible cost", { generationId, model, ...what, alert: true });
  });
  const paid = { model, usage, finishReason, generationId };
  log.debug("chat completion", { model, generationId, finishReason, ...usage });
  const reason = unusable(gathered);
  if (reason !== undefined) throw new UnusableAnswer(reason, paid);
  return { text, ...paid };
}

function unusable({ text, refusal, finishReason, nativeFinishReason }: Gathered): UnusableReason | undefined {
  if (finishReason === "content_filter") return "content_filter";
  if (refusal !== "" || nativeFinishReason === "refusal" || finishReason === "refusal") return "refusal";
  if (finishReason === "length") return "length";
  return text.trim() === "" ? "empty" : undefined;
}

/** Told figures are used only if they can be true: a negative cost would hand out money. */
function readUsage(usage: unknown, onImpossible: (what: Record<string, unknown>) => void): Usage {
  const told = typeof usage === "object" && usage !== null ? (usage as Record<string, unknown>) : {};
  const { cost, prompt_tokens: input, completion_tokens: output } = told;
  const costIsPossible = typeof cost === "number" && Number.isFinite(cost) && cost >= 0;
  if (!costIsPossible || !isCount(input) || !isCount(output)) {
    onImpossible({ cost: shown(cost), promptTokens: shown(input), completionTokens: shown(output) });
  }
  return {
    inputTokens: isCount(input) ? input : 0,
    outputTokens: isCount(output) ? output : 0,
    costMicrodollars: costIsPossible ? Math.round(cost * MICRODOLLARS) : null,
  };
}

const MICRODOLLARS = 1_000_000;

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** NaN and the like would turn into null on their way through JSON. */
function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value).slice(0, 40);
}
