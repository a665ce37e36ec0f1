import type { ChatMessage } from "../providers/openrouter/wire.ts";

/** How clients mark what a person wrote: `<<<...>>>` with or without a word of their own, a tag, or three quotes. */
const DELIMITED = [
  /<<<[\w-]*>>>([\s\S]*?)<<<\/?[\w-]*>>>/g,
  /<<<\s*([\s\S]*?)\s*>>>/g,
  /<([a-z][\w-]*)>([\s\S]*?)<\/\1>/gi,
  /"""([\s\S]*?)"""/g,
];
const WISH_LENGTH_MAX = 400;

/** The text of a message, without its pictures. */
export function textOf(message: ChatMessage): string {
  if (typeof message.content === "string") return message.content;
  return message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/**
 * What the person wants: the delimited text of the last message that has some (a repair has none), otherwise the last
 * message. Links and markup are taken out, as a model that was told to keep clear of them would.
 */
export function wishOf(messages: readonly ChatMessage[]): string {
  const texts = messages.filter(({ role }) => role === "user").map(textOf);
  const delimited = texts.map(delimitedIn).findLast((text) => text !== undefined);
  const wish = delimited ?? texts.at(-1) ?? "";
  return wish
    .replace(/(https?:\/\/|www\.)\S+/gi, " ")
    .replace(/[<>`[\]]/g, " ")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, WISH_LENGTH_MAX);
}

function delimitedIn(text: string): string | undefined {
  for (const pattern of DELIMITED) {
    const last = [...text.matchAll(pattern)].at(-1);
    if (last !== undefined) return last.at(-1);
  }
  return undefined;
}

/** What the wish asks of the sandbox: the `x` of each `sandbox:x`. */
export function markersIn(wish: string): string[] {
  return [...wish.matchAll(/sandbox:([a-z0-9_]+)/g)].map((match) => match[1] ?? "");
}
