/** A model that the emulator serves. A price of 1 is one US dollar for a million tokens: a millionth of a dollar each. */
export interface EmulatedModel {
  slug: string;
  /** The dated name, which is taken as well. */
  canonical: string;
  name: string;
  createdSeconds: number;
  contextTokens: number;
  outputTokensMax: number;
  price: { input: number; output: number };
  /** Another price from so many tokens of input on. */
  longPrice?: { fromTokens: number; input: number; output: number };
  parameters: readonly string[];
  /** Which sampling parameters the model itself refuses: any at all, or temperature beside top_p. */
  refuses: "sampling" | "temperature_with_top_p";
}

const COMMON = [
  "include_reasoning",
  "max_tokens",
  "reasoning",
  "response_format",
  "stop",
  "structured_outputs",
  "tool_choice",
  "tools",
];

/** As the provider's list had them in October 2026. */
export const MODELS: readonly EmulatedModel[] = [
  {
    slug: "anthropic/claude-haiku-4.5",
    canonical: "anthropic/claude-4.5-haiku-20251001",
    name: "Anthropic: Claude Haiku 4.5",
    createdSeconds: 1_760_547_638,
    contextTokens: 200_000,
    outputTokensMax: 64_000,
    price: { input: 1, output: 5 },
    parameters: [...COMMON, "temperature", "top_k", "top_p"],
    refuses: "temperature_with_top_p",
  },
  {
    slug: "anthropic/claude-haiku-5.5",
    canonical: "anthropic/claude-5.5-haiku-20261007",
    name: "Anthropic: Claude Haiku 5.5",
    createdSeconds: 1_791_331_200,
    contextTokens: 1_000_000,
    outputTokensMax: 128_000,
    price: { input: 0.1, output: 0.5 },
    longPrice: { fromTokens: 100_000, input: 0.5, output: 2.5 },
    parameters: COMMON,
    refuses: "sampling",
  },
];

/** Once served, now without an endpoint; other unknown names are no model at all. */
const RETIRED = new Set([
  "anthropic/claude-3.5-haiku",
  "anthropic/claude-3.5-haiku-20241022",
  "anthropic/claude-3-haiku",
]);
const NEWEST_HAIKU = "~anthropic/claude-haiku-latest";

export function findModel(slug: string): EmulatedModel | "retired" | undefined {
  if (RETIRED.has(slug)) return "retired";
  if (slug === NEWEST_HAIKU) return MODELS.at(-1);
  return MODELS.find((model) => model.slug === slug || model.canonical === slug);
}

/** What an answer costs, in millionths of a US dollar; a fraction is possible. */
export function costOf(
  model: EmulatedModel,
  inputTokens: number,
  outputTokens: number,
): { input: number; output: number } {
  const long = model.longPrice;
  const price = long !== undefined && inputTokens >= long.fromTokens ? long : model.price;
  return { input: inputTokens * price.input, output: outputTokens * price.output };
}

/** The list as `/models` shows it. */
export function modelList(special?: string): Record<string, unknown>[] {
  const listed = special === "retired" ? MODELS.slice(1) : MODELS;
  return listed.map((model) => ({
    id: model.slug,
    canonical_slug: model.canonical,
    name: model.name,
    created: model.createdSeconds,
    context_length: model.contextTokens,
    architecture: { modality: "text+image->text", input_modalities: ["text", "image"], output_modalities: ["text"] },
    pricing: { prompt: dollarsEach(model.price.input), completion: dollarsEach(model.price.output) },
    top_provider: {
      context_length: model.contextTokens,
      max_completion_tokens: model.outputTokensMax,
      is_moderated: true,
    },
    supported_parameters:
      special === "no_structured_outputs"
        ? model.parameters.filter((parameter) => parameter !== "structured_outputs")
        : model.parameters,
    expiration_date: special === "expiring" && model === MODELS[0] ? "2026-12-31" : null,
  }));
}

/** Dollars for a token as text without an exponent, as the list spells prices. */
function dollarsEach(millionths: number): string {
  return (millionths / 1_000_000).toFixed(10).replace(/0+$/, "");
}
