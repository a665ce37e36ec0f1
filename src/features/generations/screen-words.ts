import { Refusal } from "../../platform/errors.ts";

/** Words for which no picture is made, whatever stands around them; checked before any charge. */
const REFUSED = [
  /\b(nude|naked|topless|nsfw|porn\w*|erotic\w*|undress\w*|strip(ped|tease)?|sex(y|ual\w*)?)\b/iu,
  /(?<!\p{L})(голы[йеёх]|голая|голой|обнаж\p{L}*|разде(нь|ть|л)\p{L}*|порн\p{L}*|эроти\p{L}*|секс\p{L}*|интим\p{L}*|топлес\p{L}*)(?!\p{L})/iu,
  /\b(loli|child\s*porn|underage)\b/iu,
  /\b(gore|behead\w*|dismember\w*)\b/iu,
  /(?<!\p{L})(расчлен\p{L}*|обезглав\p{L}*)(?!\p{L})/iu,
];

/**
 * A person's words as they go into a prompt: one line, without characters that are invisible or could leave the marks
 * around them; undefined when nothing is left. Throws `prompt_refused` for words that the provider's rules and ours
 * forbid, and `validation_failed` for more than `lengthMax` characters at `path` of the request.
 */
export function screenWords(words: string, options: { path: string; lengthMax: number }): string | undefined {
  const plain = words
    .normalize("NFKC")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/[<>]/g, "")
    .trim();
  if (plain === "") return undefined;
  if (plain.length > options.lengthMax) {
    throw new Refusal("validation_failed", {
      errors: [{ path: options.path, message: `has more than ${options.lengthMax} characters` }],
    });
  }
  if (REFUSED.some((pattern) => pattern.test(plain))) throw new Refusal("prompt_refused");
  return plain;
}
