/** The person as Telegram describes them, with texts made safe to store. Names are still text from people. */
export interface TelegramUser {
  /** At most 52 significant bits, so a JavaScript number holds it exactly. */
  id: number;
  firstName: string;
  lastName?: string;
  username?: string;
  languageCode?: string;
  isPremium?: boolean;
  allowsWriteToPm?: boolean;
  photoUrl?: string;
}

/** Telegram's spelling; nothing about the values is known yet. */
interface RawUser {
  id?: unknown;
  first_name?: unknown;
  last_name?: unknown;
  username?: unknown;
  language_code?: unknown;
  is_bot?: unknown;
  is_premium?: unknown;
  allows_write_to_pm?: unknown;
  photo_url?: unknown;
}

const TELEGRAM_ID_MAX = 2 ** 52;
const NAME_CODE_POINTS_MAX = 128;
const PHOTO_URL_LENGTH_MAX = 1_024;
const USERNAME = /^[A-Za-z0-9_]{1,64}$/;
const LANGUAGE_CODE = /^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$/;
/** Control characters, and the marks that reverse the order of the text around them in a panel or a message. */
const UNWANTED_IN_NAMES = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Reads the `user` field of launch data. Undefined when it is missing, is no JSON object, lacks a usable id or first
 * name, or describes a bot. Optional parts that do not look right are left out rather than refused.
 */
export function readTelegramUser(json: string | undefined): TelegramUser | undefined {
  const raw = json === undefined ? undefined : parseObject(json);
  if (raw === undefined) return undefined;
  const { id, first_name: firstName, last_name: lastName } = raw;
  if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > TELEGRAM_ID_MAX) return undefined;
  if (typeof firstName !== "string") return undefined;
  // Present only when true, by the documentation; any other claim about it is not from a person's own client.
  if (raw.is_bot !== undefined && raw.is_bot !== false) return undefined;

  return {
    id,
    firstName: cleanName(firstName),
    ...(typeof lastName === "string" ? { lastName: cleanName(lastName) } : {}),
    ...matching("username", raw.username, (text) => USERNAME.test(text)),
    ...matching("languageCode", raw.language_code, (text) => LANGUAGE_CODE.test(text)),
    ...(typeof raw.is_premium === "boolean" ? { isPremium: raw.is_premium } : {}),
    ...(typeof raw.allows_write_to_pm === "boolean" ? { allowsWriteToPm: raw.allows_write_to_pm } : {}),
    ...matching("photoUrl", raw.photo_url, isPhotoUrl),
  };
}

function parseObject(json: string): RawUser | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** JSON may carry halves of surrogate pairs, which Postgres refuses to store. */
function cleanName(text: string): string {
  const clean = text.toWellFormed().replace(UNWANTED_IN_NAMES, "");
  return Array.from(clean).slice(0, NAME_CODE_POINTS_MAX).join("");
}

function matching<Name extends string>(
  name: Name,
  value: unknown,
  accepts: (text: string) => boolean,
): { [key in Name]?: string } {
  return typeof value === "string" && accepts(value) ? ({ [name]: value } as { [key in Name]: string }) : {};
}

function isPhotoUrl(text: string): boolean {
  return text.length <= PHOTO_URL_LENGTH_MAX && URL.parse(text)?.protocol === "https:";
}
