import { Value } from "@sinclair/typebox/value";
import { ProviderFailure } from "../../platform/errors.ts";
import type { ProviderAnswer } from "../provider-http.ts";
import { failureOf, OPENROUTER } from "./classify.ts";
import { KeyAnswer, type ModelEntry, ModelsAnswer } from "./wire.ts";

/** What our key may still spend, in US dollars. */
export interface KeyState {
  /** null when the key has no limit of its own; the account behind it may still be empty. */
  limitRemaining: number | null;
  limit: number | null;
  /** Spent with this key so far. */
  used: number;
  isFreeTier: boolean;
  /** ISO 8601, or null for a key that does not end. */
  expiresAt: string | null;
}

/**
 * A configured model in the provider's list.
 * - `live`: there, and takes structured outputs
 * - `no_structured_outputs`: there, and no use to us: every request would be refused
 * - `expiring`: there until `expiresAt`
 * - `missing`: not there: retired, or misspelt
 * - `alias`: a name that begins with a tilde and stands for the newest; the list does not name such
 */
export interface ModelState {
  slug: string;
  state: "live" | "no_structured_outputs" | "expiring" | "missing" | "alias";
  expiresAt: string | null;
}

/** Reads the answer of `/key`. Throws `ProviderFailure`. */
export function readKey(answer: ProviderAnswer): KeyState {
  throwRefusal(answer);
  if (!Value.Check(KeyAnswer, answer.json)) throw unknownShape("the key");
  const { data } = answer.json;
  return {
    limitRemaining: data.limit_remaining,
    limit: data.limit,
    used: data.usage,
    isFreeTier: data.is_free_tier ?? false,
    expiresAt: data.expires_at ?? null,
  };
}

/** Looks the configured models up in the answer of `/models`. Throws `ProviderFailure`. */
export function readModels(answer: ProviderAnswer, slugs: readonly string[]): ModelState[] {
  throwRefusal(answer);
  if (!Value.Check(ModelsAnswer, answer.json)) throw unknownShape("the models");
  const entries = answer.json.data;
  return slugs.map((slug) => {
    const [name] = slug.split(":", 1);
    const entry = entries.find(({ id, canonical_slug: canonical }) =>
      [id, canonical].some((one) => one === slug || one === name),
    );
    return { slug, state: stateOf(slug, entry), expiresAt: entry?.expiration_date ?? null };
  });
}

function stateOf(slug: string, entry: ModelEntry | undefined): ModelState["state"] {
  if (entry === undefined) return slug.startsWith("~") ? "alias" : "missing";
  if (typeof entry.expiration_date === "string") return "expiring";
  const parameters = entry.supported_parameters;
  return parameters === undefined || parameters.includes("structured_outputs") ? "live" : "no_structured_outputs";
}

function throwRefusal(answer: ProviderAnswer): void {
  const error =
    typeof answer.json === "object" && answer.json !== null && "error" in answer.json ? answer.json.error : undefined;
  if (answer.status === 200 && (error === undefined || error === null)) return;
  throw failureOf(error, { status: answer.status, retryAfter: answer.headers.get("retry-after") });
}

function unknownShape(what: string): ProviderFailure {
  return new ProviderFailure(OPENROUTER, "unavailable", `described ${what} in an unknown shape`);
}
