import type { ChatBody } from "../providers/openrouter/wire.ts";
import type { AnswerMode } from "./openrouter-faults.ts";
import { costOf, type EmulatedModel } from "./openrouter-models.ts";
import { fillSchema, phrasesFor, plainSentence } from "./openrouter-text.ts";
import { textOf, wishOf } from "./openrouter-wish.ts";

/** What a picture counts at most: its pixels divided by 750, after the upstream has made it smaller. */
const IMAGE_TOKENS = 1_600;
const BYTES_PER_TOKEN = 4;
const MESSAGE_TOKENS = 4;
/** Stands at the place of a link that nobody should follow. */
const LINK = "https://example.com/look";

export interface ComposedAnswer {
  /** null where a real answer holds no text at all. */
  text: string | null;
  refusal: string | null;
  finishReason: string;
  nativeFinishReason: string;
  outputTokens: number;
}

/** Tokens of what was asked, estimated by length. */
export function inputTokensOf(body: ChatBody, imageCount: number): number {
  const texts = body.messages.map((message) => tokensOf(textOf(message)) + MESSAGE_TOKENS);
  const schema = body.response_format?.json_schema?.schema;
  return (
    texts.reduce((sum, tokens) => sum + tokens, 0) +
    imageCount * IMAGE_TOKENS +
    (schema === undefined ? 0 : tokensOf(JSON.stringify(schema)))
  );
}

/** What the model says, as far as `tokensMax` reaches. `mode` is what it is made to do instead of answering well. */
export function composeAnswer(body: ChatBody, mode: AnswerMode | undefined, tokensMax: number): ComposedAnswer {
  const wish = wishOf(body.messages);
  switch (mode) {
    case "refusal":
      return said(null, { refusal: phrasesFor(wish).refusal, finish: "stop", native: "refusal" });
    case "content_filter":
      return said("", { finish: "content_filter", native: "refusal" });
    case "null_content":
      return said(null);
    case "empty":
      return said("");
    case "finish_error":
      return said("", { finish: "error", native: "error" });
    case "length":
      return cutAt(wholeText(body, wish, undefined), 12);
    default:
      return cutAt(wholeText(body, wish, mode), tokensMax);
  }
}

/** The `usage` of an answer with its price, or what a switch makes of it. */
export function usageOf(
  model: EmulatedModel,
  tokens: { input: number; output: number },
  mode: string | undefined,
): { usage: Record<string, unknown> | undefined; costMicrodollars: number } {
  const price = costOf(model, tokens.input, tokens.output);
  const costMicrodollars = price.input + price.output;
  const cost = dollars(costMicrodollars);
  const usage = {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    ...(mode === "missing_cost" ? {} : { cost: mode === "negative" ? -cost : mode === "not_a_number" ? "NaN" : cost }),
    is_byok: false,
    prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
    cost_details: {
      upstream_inference_cost: null,
      upstream_inference_prompt_cost: dollars(price.input),
      upstream_inference_completions_cost: dollars(price.output),
    },
  };
  return { usage: mode === "no_usage" ? undefined : usage, costMicrodollars };
}

export function dollars(microdollars: number): number {
  return Number((microdollars / 1_000_000).toFixed(10));
}

function wholeText(body: ChatBody, wish: string, mode: AnswerMode | undefined): string {
  const phrases = phrasesFor(wish);
  if (mode === "prose_refusal") return phrases.refusal;
  const schema = body.response_format?.json_schema?.schema;
  if (schema === undefined) {
    return body.response_format?.type === "json_object"
      ? JSON.stringify({ reply: plainSentence(wish) })
      : plainSentence(wish);
  }
  const count = mode === "two_variants" ? 2 : mode === "four_variants" ? 4 : undefined;
  const json = JSON.stringify(fillSchema(schema, mode === "links" ? `${wish} ${LINK}` : wish, count));
  if (mode === "fenced") return `\`\`\`json\n${json}\n\`\`\``;
  if (mode === "wrapped") return `${phrases.kept}:\n${json}\n${phrases.kept}.`;
  return mode === "invalid_json" ? `${json.slice(0, -1)},,}` : json;
}

function cutAt(text: string, tokensMax: number): ComposedAnswer {
  const tokens = tokensOf(text);
  if (tokens <= tokensMax) return said(text);
  const kept = text.slice(0, Math.max(1, Math.floor((text.length * tokensMax) / tokens)));
  return { ...said(kept, { finish: "length", native: "max_tokens" }), outputTokens: tokensMax };
}

function said(text: string | null, how: { refusal?: string; finish?: string; native?: string } = {}): ComposedAnswer {
  return {
    text,
    refusal: how.refusal ?? null,
    finishReason: how.finish ?? "stop",
    nativeFinishReason: how.native ?? "end_turn",
    outputTokens: tokensOf(text ?? how.refusal ?? ""),
  };
}

function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}
