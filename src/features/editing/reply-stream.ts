/**
 * Reads the `reply` out of an answer while it is still being written. The answer is JSON whose first member is `reply`;
 * this yields that text piece by piece, decoded, and nothing of the rest.
 */
export function createReplyStream(onText: (text: string) => void) {
  let buffer = "";
  let position = -1;
  let finished = false;

  return {
    /** Takes the next piece of the raw answer. */
    push(piece: string): void {
      if (finished) return;
      buffer += piece;
      if (position < 0) {
        const start = /^[^{]*\{\s*"reply"\s*:\s*"/.exec(buffer);
        if (!start) return;
        position = start[0].length;
      }
      const { text, next, ended } = decode(buffer, position);
      position = next;
      finished = ended;
      if (text !== "") onText(text);
    },
    /** Begins anew, when the answer does. */
    reset(): void {
      buffer = "";
      position = -1;
      finished = false;
    },
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "",
  b: "",
  f: "",
  '"': '"',
  "\\": "\\",
  "/": "/",
};

/** Decodes a JSON string from `start` as far as it is complete. */
function decode(source: string, start: number): { text: string; next: number; ended: boolean } {
  let text = "";
  let at = start;
  while (at < source.length) {
    const character = source[at] ?? "";
    if (character === '"') return { text, next: at + 1, ended: true };
    if (character !== "\\") {
      text += character;
      at += 1;
      continue;
    }
    const kind = source[at + 1];
    if (kind === undefined) break;
    if (kind === "u") {
      if (at + 6 > source.length) break;
      text += String.fromCharCode(Number.parseInt(source.slice(at + 2, at + 6), 16));
      at += 6;
      continue;
    }
    text += ESCAPES[kind] ?? kind;
    at += 2;
  }
  // Half of a surrogate pair waits for its other half.
  const last = text.charCodeAt(text.length - 1);
  if (last >= 0xd800 && last <= 0xdbff)
    return { text: text.slice(0, -1), next: at - (source[at - 6] === "\\" ? 6 : 1), ended: false };
  return { text, next: at, ended: false };
}
