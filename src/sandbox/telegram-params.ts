import { isLoopback } from "../platform/config/load.ts";
import { REFUSALS, type TelegramRefusal } from "./telegram-faults.ts";
import type { EmulatedButton } from "./telegram-records.ts";

/** A call is refused with these words. */
export class Refused extends Error {
  readonly refusal: TelegramRefusal;

  constructor(refusal: TelegramRefusal) {
    super(refusal.description);
    this.refusal = refusal;
  }
}

export function badRequest(text: string): Refused {
  return new Refused({ code: 400, description: `Bad Request: ${text}` });
}

export interface SentFile {
  bytes: Uint8Array;
  name: string;
  mime: string;
}

/** Parameters of a call, whichever way they came: everything is text, and what has parts is JSON in it. */
export interface Params {
  /** Undefined when it is missing or empty. */
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** Throws `Refused` when it is there and no whole number. */
  integer(name: string): number | undefined;
  /** Throws `Refused` when it is there and no JSON. */
  json(name: string): unknown;
  /** A part of the form, under its own name or as `attach://part`. */
  file(name: string): SentFile | undefined;
}

/** Reads the query and a body that is JSON, a form, or a form with files. */
export async function readParams(request: Request): Promise<Params> {
  const values = new Map<string, string>();
  const files = new Map<string, SentFile>();
  for (const [name, value] of new URL(request.url).searchParams) values.set(name, value);
  const type = request.headers.get("content-type") ?? "";
  if (request.method === "POST" && type.startsWith("application/json")) {
    for (const [name, value] of Object.entries(await jsonObject(request))) {
      if (value !== null) values.set(name, typeof value === "string" ? value : JSON.stringify(value));
    }
  } else if (request.method === "POST" && /^(multipart\/form-data|application\/x-www-form-urlencoded)/.test(type)) {
    const form = await request.formData().catch(() => {
      throw badRequest("can't parse the body");
    });
    for (const [name, value] of form) {
      if (typeof value === "string") values.set(name, value);
      else files.set(name, { bytes: await value.bytes(), name: value.name, mime: value.type });
    }
  }
  return paramsOf(values, files);
}

function paramsOf(values: ReadonlyMap<string, string>, files: ReadonlyMap<string, SentFile>): Params {
  const text = (name: string): string | undefined => values.get(name) || undefined;
  return {
    text,
    flag: (name) => ["true", "1", "True"].includes(values.get(name) ?? ""),
    integer(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^-?\d{1,16}$/.test(value)) throw badRequest(`invalid ${name} specified`);
      return Number(value);
    },
    json(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      try {
        return JSON.parse(value);
      } catch {
        throw badRequest(`can't parse ${name} JSON object`);
      }
    },
    file: (name) => files.get(name) ?? files.get(/^attach:\/\/(.+)$/.exec(values.get(name) ?? "")?.[1] ?? ""),
  };
}

async function jsonObject(request: Request): Promise<object> {
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw badRequest("can't parse the body as a JSON object");
}

/** Throws `Refused` where there is none. */
export function chatIdOf(params: Params): number {
  const text = params.text("chat_id");
  if (text === undefined) throw new Refused(REFUSALS["400_chat_empty"]);
  if (!/^-?\d{1,16}$/.test(text)) throw new Refused(REFUSALS["400_chat_not_found"]);
  return Number(text);
}

/** The rows of an inline keyboard. Buttons with `callback_data` are checked and not shown. */
export function buttonsOf(params: Params): EmulatedButton[][] {
  const markup = params.json("reply_markup") as { inline_keyboard?: unknown } | undefined;
  if (markup?.inline_keyboard === undefined) return [];
  if (!Array.isArray(markup.inline_keyboard))
    throw badRequest('object expected as reply markup: field "inline_keyboard" must be of type Array');
  return markup.inline_keyboard.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest("can't parse inline keyboard row: expected an Array");
    return row.flatMap((button: unknown) => buttonOf(button));
  });
}

interface WireButton {
  text?: unknown;
  url?: unknown;
  web_app?: { url?: unknown } | null;
  callback_data?: unknown;
}

const CALLBACK_DATA_BYTES_MAX = 64;

function buttonOf(value: unknown): EmulatedButton[] {
  const button = (typeof value === "object" && value !== null ? value : {}) as WireButton;
  if (typeof button.text !== "string" || button.text.trim() === "") {
    throw badRequest('can\'t parse inline keyboard button: field "text" must be of type String and non-empty');
  }
  const { text } = button;
  if (typeof button.web_app === "object" && button.web_app !== null) {
    return [{ text, url: linkOf(button.web_app.url, "Web App URL", "Only HTTPS links are allowed"), opensApp: true }];
  }
  if (button.url !== undefined) {
    return [{ text, url: linkOf(button.url, "URL", "Wrong HTTP URL"), opensApp: false }];
  }
  if (typeof button.callback_data !== "string") {
    throw badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  }
  const bytes = Buffer.byteLength(button.callback_data);
  if (bytes < 1 || bytes > CALLBACK_DATA_BYTES_MAX) throw badRequest("BUTTON_DATA_INVALID");
  return [];
}

function linkOf(value: unknown, what: string, why: string): string {
  const text = typeof value === "string" ? value : "";
  if (isLink(text, { httpAllowed: what === "URL" })) return text;
  throw badRequest(`inline keyboard button ${what} '${text}' is invalid: ${why}`);
}

/** https; also http on this machine, which Telegram itself would refuse: a sandbox has no certificate. */
export function isLink(text: string, options: { httpAllowed: boolean }): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:") return true;
  return url?.protocol === "http:" && (options.httpAllowed || isLoopback(url.hostname));
}
