/** Telegram's web clients; the Mini App itself runs under an origin of its own. */
const TELEGRAM_WEB_HOST = "web.telegram.org";

/**
 * Whether a page of this origin may open a socket. Browsers send `Origin` with every socket and no page can forge it, but
 * they apply no cross-origin rule to sockets, so the server has to. No origin at all means no browser: such a client can
 * do nothing here that it could not do with the ticket anyway.
 */
export function originRule(settings: {
  readonly PUBLIC_URL: string;
  readonly ALLOWED_ORIGINS: readonly string[];
}): (origin: string | null) => boolean {
  const own = [settings.PUBLIC_URL, ...settings.ALLOWED_ORIGINS].filter((text) => URL.canParse(text));
  const allowed = new Set(own.map((text) => new URL(text).origin));
  return (origin) => origin === null || allowed.has(origin) || isTelegramWeb(origin);
}

function isTelegramWeb(origin: string): boolean {
  const url = URL.parse(origin);
  // Only what is an origin and nothing more: no path, no user, the usual port.
  if (url?.protocol !== "https:" || url.origin !== origin || url.port !== "") return false;
  return url.hostname === TELEGRAM_WEB_HOST || url.hostname.endsWith(`.${TELEGRAM_WEB_HOST}`);
}
