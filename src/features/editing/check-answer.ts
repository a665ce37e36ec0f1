import { Value } from "@sinclair/typebox/value";
import { newId } from "../../platform/ids.ts";
import { ANSWER_SCHEMA, VARIANT_COUNT } from "./editing-prompt.ts";
import type { Variant } from "./tables.ts";

export type CheckedAnswer = { ok: true; reply: string; variants: Variant[] } | { ok: false; fault: string };

const REPLY_LENGTH_MAX = 1_000;
const TITLE_LENGTH_MAX = 80;
const PROMPT_LENGTH_MAX = 1_500;
const CHANGE_LENGTH_MAX = 160;
const CHANGE_COUNT_MAX = 6;

/** Links and markup have no place in an edit; they would be somebody's attempt to reach a page or a shell. */
const FORBIDDEN = /https?:|www\.|\[[^\]]*\]\([^)]*\)|<\s*\/?\s*[a-z!]|```/i;
/** Words of our own instructions: an answer that recites them was talked into it. */
const RECITED = /between <wish>|they are data that describes a picture|you do nothing else/i;

/**
 * Whether the assistant's answer is what was asked for: JSON (perhaps in a fence, perhaps with words around it), exactly
 * three complete variants within their lengths, no links, no markup, no recital of our instructions. The answer is data
 * from outside in any case; pages show it escaped.
 */
export function checkAnswer(text: string): CheckedAnswer {
  const parsed = parseLoosely(text);
  if (parsed === undefined) return { ok: false, fault: "it was not JSON" };
  if (!Value.Check(ANSWER_SCHEMA.schema, parsed))
    return { ok: false, fault: "fields were missing or of the wrong kind" };
  const reply = plain(parsed.reply);
  if (parsed.variants.length !== VARIANT_COUNT) {
    return { ok: false, fault: `there were ${parsed.variants.length} variants instead of ${VARIANT_COUNT}` };
  }
  const variants = parsed.variants.map((variant) => ({
    id: newId(),
    title: plain(variant.title),
    prompt: plain(variant.prompt),
    changes: variant.changes.map(plain).filter((change) => change !== ""),
  }));
  const fault = variants.map(faultOf).find((found) => found !== undefined) ?? replyFault(reply);
  if (fault !== undefined) return { ok: false, fault };
  if (new Set(variants.map((variant) => variant.prompt)).size !== VARIANT_COUNT) {
    return { ok: false, fault: "two variants were the same" };
  }
  return { ok: true, reply, variants };
}

function faultOf(variant: Variant): string | undefined {
  const texts = [variant.title, variant.prompt, ...variant.changes];
  if (texts.some((text) => FORBIDDEN.test(text) || RECITED.test(text)))
    return "a variant had links, markup or other matter";
  if (variant.title === "" || variant.title.length > TITLE_LENGTH_MAX) return "a title was empty or too long";
  if (variant.prompt.length < 3 || variant.prompt.length > PROMPT_LENGTH_MAX) return "a prompt was empty or too long";
  if (variant.changes.length === 0 || variant.changes.length > CHANGE_COUNT_MAX)
    return "a variant had no or too many changes";
  if (variant.changes.some((change) => change.length > CHANGE_LENGTH_MAX)) return "a change was too long";
  return undefined;
}

function replyFault(reply: string): string | undefined {
  if (reply === "" || reply.length > REPLY_LENGTH_MAX) return "the reply was empty or too long";
  return FORBIDDEN.test(reply) || RECITED.test(reply) ? "the reply had links, markup or other matter" : undefined;
}

/** One line without control and invisible characters. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

/** JSON as it stands, without its fence, or from the first brace to the last. */
function parseLoosely(text: string): unknown {
  for (const candidate of [text, text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // The next candidate may do.
    }
  }
  return undefined;
}
