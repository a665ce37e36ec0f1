import { EXECUTED_MODES, TRANSPORT_MODES } from "./disturb.ts";
import type { FaultCatalogue } from "./faults.ts";

/** A call that is refused: the HTTP status, which is the error's code too, its words, and what goes with them. */
export interface ChatError {
  code: number;
  message: string;
  metadata?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
}

const upstream = (error_type: string): Record<string, unknown> => ({
  provider_name: "Anthropic",
  raw: "{}",
  error_type,
});

const LIMIT_HEADERS = { "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790500060000" };

/** The errors in the provider's own words. In `flagged_input` and behind QUOTE stands what the person wrote. */
export const ERRORS = {
  "400": { code: 400, message: "Provider returned error", metadata: upstream("invalid_request") },
  "400_model": { code: 400, message: "anthropic/claude-haiku-9 is not a valid model ID" },
  "400_structured": { code: 400, message: "output_config.format: Extra inputs are not permitted" },
  "400_prompt": {
    code: 400,
    message: 'Invalid text in the last message: "QUOTE"',
    metadata: upstream("invalid_prompt"),
  },
  "401": { code: 401, message: "Missing Authentication header" },
  "402": {
    code: 402,
    message: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    metadata: { error_type: "payment_required" },
  },
  "402_max_tokens": {
    code: 402,
    message:
      "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 512.",
  },
  "403_moderation": {
    code: 403,
    message: 'The input was flagged: "QUOTE"',
    metadata: {
      reasons: ["violence"],
      flagged_input: "QUOTE",
      provider_name: "Anthropic",
      model_slug: "anthropic/claude-haiku-4.5",
    },
  },
  "403_key": {
    code: 403,
    message: "This key may not use the model",
    metadata: { error_type: "permission_denied" },
  },
  "404_model": { code: 404, message: "No endpoints found for anthropic/claude-3.5-haiku." },
  "404_parameters": { code: 404, message: "No endpoints found that can handle the requested parameters." },
  "404_policy": { code: 404, message: "No endpoints found matching your data policy." },
  "408": { code: 408, message: "Request timed out" },
  "413": { code: 413, message: "Request too large", metadata: { error_type: "payload_too_large" } },
  "422": { code: 422, message: "Unprocessable", metadata: { error_type: "unprocessable" } },
  "429": { code: 429, message: "Rate limit exceeded", headers: LIMIT_HEADERS },
  "429_retry_after": { code: 429, message: "Rate limit exceeded", headers: { ...LIMIT_HEADERS, "Retry-After": "2" } },
  "429_upstream": { code: 429, message: "Provider returned error", metadata: upstream("rate_limit_exceeded") },
  "500": { code: 500, message: "Internal Server Error", metadata: { error_type: "server" } },
  "502": { code: 502, message: "Provider returned error", metadata: upstream("provider_unavailable") },
  "503": { code: 503, message: "No provider meets the routing requirements" },
  "503_retry_after": { code: 503, message: "No provider is free now", headers: { "Retry-After": "1" } },
  "504": { code: 504, message: "Gateway timeout", metadata: { error_type: "timeout" } },
  "524": { code: 524, message: "A timeout occurred" },
  "529": { code: 529, message: "Provider overloaded", metadata: upstream("provider_overloaded") },
} as const satisfies Record<string, ChatError>;

/** `http_429` comes with its status, `body_429` under HTTP 200: an error where the choices should be. */
const ERROR_MODES = Object.keys(ERRORS).flatMap((key) => [`http_${key}`, `body_${key}`]);
const CALL_MODES = [...TRANSPORT_MODES, ...ERROR_MODES];

/** The error behind a mode, quoting `quote` where errors of its kind do, and whether HTTP says 200 all the same. */
export function errorOf(mode: string, quote: string): (ChatError & { underOk: boolean }) | undefined {
  const key = mode.replace(/^(http|body)_/, "");
  if (!ERROR_MODES.includes(mode) || !(key in ERRORS)) return undefined;
  const error: ChatError = ERRORS[key as keyof typeof ERRORS];
  const filled = JSON.parse(
    JSON.stringify(error).replaceAll("QUOTE", JSON.stringify(quote.slice(0, 100)).slice(1, -1)),
  );
  return { ...(filled as ChatError), underOk: mode.startsWith("body_") };
}

/** What the model can be made to answer; each is a marker in the last message as well: `sandbox:fenced`. */
export const ANSWER_MODES = [
  "fenced",
  "wrapped",
  "prose_refusal",
  "refusal",
  "content_filter",
  "length",
  "two_variants",
  "four_variants",
  "empty",
  "null_content",
  "invalid_json",
  "links",
  "finish_error",
  "no_choices",
] as const;
export type AnswerMode = (typeof ANSWER_MODES)[number];

export const OPENROUTER_FAULTS: FaultCatalogue = {
  "openrouter.chat": {
    about:
      "chat/completions. http_* refuse with their status, body_* under HTTP 200. executed_* are paid for and lost.",
    modes: [...CALL_MODES, ...EXECUTED_MODES],
  },
  "openrouter.answer": { about: "What the model answers; also as a marker in the last message.", modes: ANSWER_MODES },
  "openrouter.stream": {
    about:
      "Streams. mid_* and only_error fail under HTTP 200; cut and hang after some deltas; comments never begins; slow_start comments for delayMs; split sends a few bytes at a time.",
    modes: [
      "mid_error",
      "mid_error_word",
      "mid_moderation",
      "only_error",
      "cut",
      "cut_before_usage",
      "hang",
      "comments",
      "slow_start",
      "split",
      "no_done",
      "not_json",
    ],
  },
  "openrouter.usage": {
    about: "The figures at the end, and the frame that carries them: with the choice again (default) or without any.",
    modes: ["negative", "not_a_number", "missing_cost", "no_usage", "empty_choices"],
  },
  "openrouter.fallback": {
    about: "The upstream of the first model fails, or of all.",
    modes: ["first_fails", "all_fail"],
  },
  "openrouter.pace": { about: "delayMs between two deltas, and before an answer in one piece.", modes: ["pace"] },
  "openrouter.account": { about: "No credits, or too few for max_tokens.", modes: ["empty", "low"] },
  "openrouter.key": { about: "/key.", modes: [...CALL_MODES, "unlimited", "used_up", "unknown_shape"] },
  "openrouter.models": {
    about: "/models: the first model gone, or about to go, or all without structured outputs.",
    modes: [...CALL_MODES, "retired", "expiring", "no_structured_outputs"],
  },
  "openrouter.generation": { about: "/generation.", modes: CALL_MODES },
  "openrouter.edge": { about: "The edge in front of everything.", modes: ["edge_1010", "edge_502", "edge_504"] },
};
