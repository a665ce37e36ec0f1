import { Refusal } from "../../platform/errors.ts";
import { NOTE_LENGTH_MAX } from "./fitting-prompt.ts";

/** Words for which no picture is made, whatever stands around them; checked before any charge. */
const REFUSED = [
  /\b(nude|naked|topless|nsfw|porn\w*|erotic\w*|undress\w*|strip(ped|tease)?|sex(y|ual\w*)?)\b/iu,
  /(?<!\p{L})(голы[йеёх]|голая|голой|обнаж\p{L}*|разде(нь|ть|л)\p{L}*|порн\p{L}*|эроти\p{L}*|секс\p{L}*|интим\p{L}*|топлес\p{L}*)(?!\p{L})/iu,
  /\b(loli|child\s*porn|underage)\b/iu,
  /\b(gore|behead\w*|dismember\w*)\b/iu,
  /(?<!\p{L})(расчлен\p{L}*|обезглав\p{L}*)(?!\p{L})/iu,
];

/**
 * The note as it goes into the prompt: one line, without characters that are invisible or could leave the marks around
 * it. Throws `prompt_refused` for words that the provider's rules and ours forbid.
 */
export function screenNote(note: string | undefined): string | undefined {
  if (note === undefined) return undefined;
  const plain = note
    .normalize("NFKC")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/[<>]/g, "")
    .trim();
  if (plain === "") return undefined;
  if (plain.length > NOTE_LENGTH_MAX) {
    throw new Refusal("validation_failed", {
      errors: [{ path: "/body/note", message: `has more than ${NOTE_LENGTH_MAX} characters` }],
    });
  }
  if (REFUSED.some((pattern) => pattern.test(plain))) throw new Refusal("prompt_refused");
  return plain;
}
