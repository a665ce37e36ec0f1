/**
 * Telegram's web clients. They show the Mini App in a frame and save its files; the app itself runs under an origin of its
 * own. The names beside `web.telegram.org` are those of single versions (K, A, Z).
 */
export const TELEGRAM_WEB_ORIGINS: readonly string[] = ["web", "webk", "weba", "webz"].map(
  (name) => `https://${name}.telegram.org`,
);
const TELEGRAM_WEB_PARENT = ".web.telegram.org";

/** Whether a page of this origin is one of ours, or Telegram's. An `Origin` of null is none: no browser sent it. */
export type OriginRule = (origin: string | null) => boolean;

/**
 * The one table of origins: whose pages may read the API's answers and open its sockets. They are that of PUBLIC_URL,
 * those of ALLOWED_ORIGINS, and Telegram's web clients.
 *
 * Browsers send `Origin` with every socket and no page can forge it, but they apply no cross-origin rule to sockets, so
 * the server has to. No origin at all means no browser: such a client can do nothing here that it could not do with the
 * ticket anyway.
 */
export function originRule(settings: {
  readonly PUBLIC_URL: string;
  readonly ALLOWED_ORIGINS: readonly string[];
}): OriginRule {
  const own = [settings.PUBLIC_URL, ...settings.ALLOWED_ORIGINS].filter((text) => URL.canParse(text));
  const allowed = new Set([...own.map((text) => new URL(text).origin), ...TELEGRAM_WEB_ORIGINS]);
  return (origin) => origin === null || allowed.has(origin) || isBelowTelegramWeb(origin);
}

function isBelowTelegramWeb(origin: string): boolean {
  if (!origin.endsWith(TELEGRAM_WEB_PARENT)) return false;
  const url = URL.parse(origin);
  // Only what is an origin and nothing more: no path, no user, the usual port.
  return url?.protocol === "https:" && url.origin === origin && url.port === "";
}
