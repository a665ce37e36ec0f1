import type { Clock } from "../platform/clock.ts";
import { randomToken } from "../platform/ids.ts";

const REQUEST_COUNT_MAX = 5_000;
/** How long an answer is unknown to `/generation`; the provider's own delay is not documented. */
const GENERATION_HIDDEN_MS = 300;

/** What the emulator remembers of one chat request; never a word of what was said. */
export interface EmulatedRequest {
  at: string;
  /** The first one asked for. */
  model: string;
  models: string[];
  /** How many. */
  messages: number;
  maxTokens: number | null;
  imageBytes: number;
  streamed: boolean;
  user: string | null;
  sessionId: string | null;
  requestId: string | null;
  /** `open`, `answered`, `refused_<code>`, the mode of a fault, or `left` when the caller was gone before the end. */
  outcome: string;
  answeredBy: string | null;
  inputTokens: number;
  outputTokens: number;
  costMicrodollars: number;
}

/** An answer as `/generation` shows it. */
export interface EmulatedGeneration {
  id: string;
  model: string;
  streamed: boolean;
  inputTokens: number;
  outputTokens: number;
  costMicrodollars: number;
  finishReason: string;
  nativeFinishReason: string;
  latencyMs: number;
  requestId: string | null;
}

export interface OpenRouterAccount {
  /** Millionths of a US dollar. */
  balance: number;
  readonly spent: number;
  readonly requests: readonly EmulatedRequest[];
  /** The most requests that were open at once, in all and for each `user`. */
  readonly atOnce: { overall: number; byUser: Record<string, number> };
  /** Notes a request as open; `end` may be called more than once. */
  begin(
    request: Omit<
      EmulatedRequest,
      "at" | "outcome" | "answeredBy" | "inputTokens" | "outputTokens" | "costMicrodollars"
    >,
  ): {
    request: EmulatedRequest;
    end: () => void;
  };
  /** A fresh id of an answer. */
  generationId(): string;
  charge(generation: EmulatedGeneration): void;
  /** undefined for an unknown answer, and for a moment for a fresh one. */
  generation(id: string): (EmulatedGeneration & { createdAt: string }) | undefined;
}

/** The account of the emulated provider: what it holds, what was asked of it and what is open now. */
export function createOpenRouterAccount(options: { clock: Clock; balance: number }): OpenRouterAccount {
  const requests: EmulatedRequest[] = [];
  const generations = new Map<string, EmulatedGeneration & { createdAt: string; shownFromMs: number }>();
  const open = new Map<string | null, number>();
  const atOnce: OpenRouterAccount["atOnce"] = { overall: 0, byUser: {} };
  let openCount = 0;
  let spent = 0;

  const count = (user: string | null, by: 1 | -1): void => {
    openCount += by;
    const openNow = (open.get(user) ?? 0) + by;
    if (openNow === 0) open.delete(user);
    else open.set(user, openNow);
    atOnce.overall = Math.max(atOnce.overall, openCount);
    if (user !== null) atOnce.byUser[user] = Math.max(atOnce.byUser[user] ?? 0, openNow);
  };

  const account: OpenRouterAccount = {
    balance: options.balance,
    get spent() {
      return spent;
    },
    requests,
    atOnce,
    begin(about) {
      const at = options.clock.now().toISOString();
      const nothing = { answeredBy: null, inputTokens: 0, outputTokens: 0, costMicrodollars: 0 };
      const request: EmulatedRequest = { at, ...about, outcome: "open", ...nothing };
      requests.push(request);
      if (requests.length > REQUEST_COUNT_MAX) requests.shift();
      count(request.user, 1);
      let isOpen = true;
      const end = (): void => {
        if (isOpen) count(request.user, -1);
        isOpen = false;
        if (request.outcome === "open") request.outcome = "left";
      };
      return { request, end };
    },
    generationId: () => `gen-${Math.floor(options.clock.now().getTime() / 1_000)}-${randomToken(9)}`,
    charge(generation) {
      account.balance -= generation.costMicrodollars;
      spent += generation.costMicrodollars;
      const createdAt = options.clock.now().toISOString();
      generations.set(generation.id, { ...generation, createdAt, shownFromMs: Date.now() + GENERATION_HIDDEN_MS });
      const oldest = generations.keys().next().value;
      if (generations.size > REQUEST_COUNT_MAX && oldest !== undefined) generations.delete(oldest);
    },
    generation(id) {
      const found = generations.get(id);
      return found === undefined || found.shownFromMs > Date.now() ? undefined : found;
    },
  };
  return account;
}
