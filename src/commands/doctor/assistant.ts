import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { silentLog } from "../../platform/telemetry/log.ts";
import type { KeyState, ModelState } from "../../providers/openrouter/account.ts";
import { createOpenRouterClient } from "../../providers/openrouter/client.ts";
import { type DoctorCheck, type Finding, failed, ok, warning } from "./check.ts";

/** Two questions of ten seconds each, asked at once. */
const TIMEOUT_MS = 15 * SECOND_MS;
const DOLLARS_WARNING = 2;

/** The assistant's key works, may still spend, and its models exist. Asks OpenRouter itself. */
export const assistantCheck: DoctorCheck = {
  name: "assistant",
  needs: ["OPENROUTER_API_KEY", "OPENROUTER_API_URL", "OPENROUTER_MODELS", "PROVIDER_LOOPBACK"],
  timeoutMs: TIMEOUT_MS,
  async run({ checked: { settings } }) {
    if (settings.OPENROUTER_API_KEY === "") {
      return ok("Switched off: OPENROUTER_API_KEY is not set. Everything else works without it.");
    }
    const client = createOpenRouterClient({
      apiUrl: settings.OPENROUTER_API_URL,
      apiKey: settings.OPENROUTER_API_KEY,
      models: settings.OPENROUTER_MODELS,
      log: silentLog,
      loopbackAllowed: settings.PROVIDER_LOOPBACK === "allow",
    });
    try {
      const [key, models] = await Promise.all([client.key(), client.models()]);
      return judge(key, models);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const isKey = error.kind === "unauthorized";
      const advice = isKey ? "Is OPENROUTER_API_KEY right?" : "Does this machine reach the Internet, and does it work?";
      return failed(`${error.message}. ${advice}`);
    }
  },
};

function judge(key: KeyState, models: readonly ModelState[]): Finding {
  const left = key.limitRemaining;
  const money = left === null ? "the key has no limit of its own" : `${left.toFixed(2)} dollars left for the key`;
  const complaints = models.flatMap((model) => complaintsAbout(model));
  const usable = models.filter(({ state }) => state !== "missing" && state !== "no_structured_outputs");
  const text = `The key works, ${money}; ${usable.length} of ${models.length} models can be used.`;
  if (usable.length === 0) return failed(`${text} Correct OPENROUTER_MODELS.`, complaints);
  if (left !== null && left <= 0) return failed(`${text} Raise the key's limit at OpenRouter.`, complaints);
  if (left !== null && left < DOLLARS_WARNING) return warning(`${text} Raise the key's limit soon.`, complaints);
  return complaints.length === 0 ? ok(text) : warning(text, complaints);
}

function complaintsAbout({ slug, state, expiresAt }: ModelState): string[] {
  if (state === "missing") return [`${slug} is not in OpenRouter's list: retired, or misspelt in OPENROUTER_MODELS.`];
  if (state === "no_structured_outputs")
    return [`${slug} takes no structured outputs: every request would be refused.`];
  if (state === "expiring")
    return [`${slug} is offered until ${expiresAt}: choose its successor in OPENROUTER_MODELS.`];
  return [];
}
