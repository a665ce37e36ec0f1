import { createHmac, timingSafeEqual } from "node:crypto";
import { HOUR_MS, SECOND_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { readTelegramUser, type TelegramUser } from "./telegram-user.ts";

/** What Telegram vouches for when it opens the Mini App. `startParam` is signed, yet the person chose the link. */
export interface TelegramLaunch {
  user: TelegramUser;
  startParam?: string;
  /** When Telegram opened the window; never refreshed while it stays open. */
  authDate: Date;
  /** Names this launch: a second sign-in with the same hash is the same launch data used again. Keep out of logs. */
  hash: string;
}

export interface InitDataOptions {
  /** The bot's token; several while a token is being exchanged, or for several bots. */
  botTokens: readonly string[];
  now: Date;
  ageHoursMax: number;
  /** How far ahead Telegram's clock may be. */
  futureSecondsMax?: number;
}

/** Real launch data has 300 to 1,500 bytes. */
const INIT_DATA_BYTES_MAX = 4_096;
const FUTURE_SECONDS_MAX = 60;

/** Launch data is percent-encoded, so anything but visible ASCII is not Telegram's. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const HASH = /^[0-9a-f]{64}$/;
const UNIX_SECONDS = /^[0-9]{1,12}$/;
/** The alphabet that Telegram allows behind `startapp=`. */
const START_PARAM = /^[A-Za-z0-9_-]{1,512}$/;
/**
 * A line feed in a name or value, or an equals sign in a name, would let two different lists of fields give the same
 * check string, and so let the bearer cut signed data anew. Telegram's own data has neither: JSON escapes line feeds.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const AMBIGUOUS_NAME = /[\x00-\x1f\x7f=]|^$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const AMBIGUOUS_VALUE = /[\x00-\x1f\x7f]/;

/**
 * Checks the launch data (`initData`) of a Mini App against the bot's token, by the rules of
 * https://core.telegram.org/bots/webapps ("Validating data received via the Mini App").
 *
 * Every field takes part in the check, also unknown ones and `signature`; only `hash` itself stays out. Throws
 * `Refusal("init_data_invalid")` for anything that Telegram did not make for this bot and a person, and
 * `Refusal("init_data_expired")` only for genuine data past its age, since that refusal tells people to reopen the app.
 */
export function checkInitData(initData: string, options: InitDataOptions): TelegramLaunch {
  const { fields, hash } = splitHash(readFields(initData));
  if (!isSignedByOneOf(options.botTokens, checkString(fields), hash)) throw invalid();

  const authDate = readAuthDate(fields.get("auth_date"));
  const user = readTelegramUser(fields.get("user"));
  if (user === undefined) throw invalid();
  checkAge(authDate, options);

  const startParam = fields.get("start_param") ?? "";
  return { user, ...(START_PARAM.test(startParam) ? { startParam } : {}), authDate, hash };
}

function readFields(initData: string): Map<string, string> {
  // Visible ASCII is one byte a character, so the length in characters is the length in bytes.
  if (initData.length > INIT_DATA_BYTES_MAX || !VISIBLE_ASCII.test(initData)) throw invalid();
  const fields = new Map<string, string>();
  for (const pair of initData.split("&")) {
    const equals = pair.indexOf("=");
    const name = decodeOnce(equals === -1 ? pair : pair.slice(0, equals));
    const value = decodeOnce(equals === -1 ? "" : pair.slice(equals + 1));
    // Libraries differ on repeated names (first, last, both), so a repeated name could mean two things.
    if (fields.has(name) || AMBIGUOUS_NAME.test(name) || AMBIGUOUS_VALUE.test(value)) throw invalid();
    fields.set(name, value);
  }
  return fields;
}

/** Decodes as HTML forms do. Once only: decoding again breaks names with `%` and opens forgery by nested encoding. */
function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw invalid();
  }
}

function splitHash(all: Map<string, string>): { fields: Map<string, string>; hash: string } {
  const hash = all.get("hash") ?? "";
  if (!HASH.test(hash)) throw invalid();
  const fields = new Map(all);
  fields.delete("hash");
  return { fields, hash };
}

/** `name=value` lines in code-unit order of the names; the comparison must not depend on the machine's locale. */
function checkString(fields: Map<string, string>): string {
  return [...fields]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** Tries every token whatever the earlier ones said, so that the time taken tells nothing. */
function isSignedByOneOf(botTokens: readonly string[], text: string, hash: string): boolean {
  const claimed = Buffer.from(hash, "hex");
  let signed = false;
  for (const token of botTokens) {
    // The constant is the key and the token the message; the Login Widget's scheme is another one.
    const secret = createHmac("sha256", "WebAppData").update(token).digest();
    const expected = createHmac("sha256", secret).update(text).digest();
    if (timingSafeEqual(expected, claimed)) signed = true;
  }
  return signed;
}

function readAuthDate(text: string | undefined): Date {
  if (text === undefined || !UNIX_SECONDS.test(text)) throw invalid();
  return new Date(Number(text) * SECOND_MS);
}

function checkAge(authDate: Date, options: InitDataOptions): void {
  const ageMs = options.now.getTime() - authDate.getTime();
  if (ageMs < -(options.futureSecondsMax ?? FUTURE_SECONDS_MAX) * SECOND_MS) throw invalid();
  if (ageMs > options.ageHoursMax * HOUR_MS) throw new Refusal("init_data_expired");
}

/** One refusal without details: which check failed is of use to a forger only. */
function invalid(): Refusal {
  return new Refusal("init_data_invalid");
}
