import { address, choice, list, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** Who makes pictures and who answers, at kie.ai and OpenRouter, and what that costs. */
export const modelSettings = {
  KIE_API_KEY: words({ text: "The key of the kie.ai account.", default: "", example: "your-key", secret: true }),
  KIE_API_URL: address({ text: "kie.ai's API.", default: "https://api.kie.ai" }),
  KIE_UPLOAD_URL: address({ text: "kie.ai's upload host.", default: "https://kieai.redpandaai.co" }),
  KIE_MODEL: words({
    text: "The model that makes the pictures.",
    default: "google/nano-banana-edit",
    pattern: /^(google\/nano-banana-edit|nano-banana-pro|nano-banana-2|nano-banana-2-lite)$/,
    expectation: "google/nano-banana-edit, nano-banana-pro, nano-banana-2 or nano-banana-2-lite",
  }),
  KIE_WEBHOOK_KEY: words({
    text: "The HMAC key of kie.ai's callbacks, if switched on there.",
    default: "",
    example: "your-webhook-key",
    secret: true,
  }),
  KIE_RESULT_HOSTS: list({
    text: "Hosts from which results are fetched; `.example.org` means its subdomains.",
    default: ["tempfile.aiquickdraw.com", "file.aiquickdraw.com"],
    each: /^\.?[a-zA-Z0-9.:[\]-]+$/,
    expectation: "a comma list of host names",
  }),
  KIE_INPUTS: choice({
    text: "How photos reach kie.ai: signed links of ours, its upload API, or auto (links where PUBLIC_URL is public).",
    default: "auto",
    among: ["auto", "links", "upload"],
  }),
  KIE_PICTURE_MILLICREDITS: wholeNumber({
    text: "What one picture costs at kie.ai, in thousandths of its credits.",
    default: 4_000,
    min: 1,
    max: 1_000_000,
  }),
  KIE_THOUSAND_CREDITS_KOPECKS: wholeNumber({
    text: "What a thousand kie.ai credits cost the owner, in kopecks; the panel reckons the cost of pictures with it.",
    default: 45_000,
    min: 0,
    max: 100_000_000,
  }),
  DOLLAR_KOPECKS: wholeNumber({
    text: "What a dollar costs the owner, in kopecks; the panel reckons the cost of the assistant with it.",
    default: 9_000,
    min: 0,
    max: 10_000_000,
  }),
  ASSISTANT_INPUT_CENTS: wholeNumber({
    text: "Cents for a million tokens that the assistant reads, for answers whose cost the provider did not name.",
    default: 100,
    min: 0,
    max: 1_000_000,
  }),
  ASSISTANT_OUTPUT_CENTS: wholeNumber({
    text: "Cents for a million tokens that the assistant writes, for answers whose cost the provider did not name.",
    default: 500,
    min: 0,
    max: 1_000_000,
  }),
  KIE_PICTURES_LEFT_MIN: wholeNumber({
    text: "New work is refused when the kie.ai account pays for fewer pictures than this.",
    default: 5,
    min: 0,
    max: 100_000,
  }),
  OPENROUTER_API_KEY: words({
    text: "The key of the OpenRouter account; without it the assistant is switched off and says so.",
    default: "",
    example: "sk-or-v1-your-key",
    secret: true,
  }),
  OPENROUTER_API_URL: address({ text: "OpenRouter's API.", default: "https://openrouter.ai/api/v1" }),
  OPENROUTER_MODELS: list({
    text: "The assistant's model and those to fall back to, in this order.",
    default: ["anthropic/claude-haiku-4.5"],
    each: /^~?[a-z0-9-]+\/[a-z0-9.:-]+$/,
    expectation: "a comma list of models such as anthropic/claude-haiku-4.5",
  }),
} as const satisfies SettingsPart;
