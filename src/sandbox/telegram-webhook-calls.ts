import { SECOND_MS } from "../platform/clock.ts";
import { SECRET_TOKEN_PATTERN, WEBHOOK_PORTS } from "../providers/telegram/wire.ts";
import type { CallNeeds, Result } from "./telegram-call.ts";
import { tooMany } from "./telegram-faults.ts";
import { badRequest, isLink, type Params, Refused } from "./telegram-params.ts";
import { unixSeconds } from "./telegram-records.ts";

/** Telegram lets a webhook be changed once a second. */
const CHANGE_PAUSE_MS = SECOND_MS;

/** `setWebhook` and `deleteWebhook`. */
export function createWebhookChanges({ clock, updates, webhook }: CallNeeds) {
  let nextAt = 0;
  const pace = (): void => {
    const now = clock.now().getTime();
    if (now < nextAt) throw new Refused(tooMany(Math.max(1, Math.ceil((nextAt - now) / SECOND_MS))));
    nextAt = now + CHANGE_PAUSE_MS;
  };
  const remove = (params: Params): Result => {
    if (params.flag("drop_pending_updates")) updates.drop();
    if (webhook.settings === undefined) return { result: true, description: "Webhook is already deleted" };
    pace();
    webhook.set(undefined);
    return { result: true, description: "Webhook was deleted" };
  };
  const set = (params: Params): Result => {
    const url = params.text("url");
    if (url === undefined) return remove(params);
    checkWebhookUrl(url);
    const secretToken = params.text("secret_token");
    if (secretToken !== undefined && !SECRET_TOKEN_PATTERN.test(secretToken)) {
      throw badRequest(
        secretToken.length > 256 ? "secret token is too long" : "secret token contains unallowed characters",
      );
    }
    const maxConnections = params.integer("max_connections");
    const allowed = params.json("allowed_updates");
    if (allowed !== undefined && !Array.isArray(allowed))
      throw badRequest("can't parse allowed updates: expected an Array");
    const kinds = allowed?.map(String);
    const now = webhook.settings;
    const isSame =
      now?.url === url &&
      now.secretToken === secretToken &&
      now.maxConnections === maxConnections &&
      (kinds === undefined || kinds.join() === updates.allowed.join());
    if (params.flag("drop_pending_updates")) updates.drop();
    if (isSame) return { result: true, description: "Webhook is already set" };
    pace();
    updates.allow(kinds);
    webhook.set({ url, secretToken, maxConnections });
    return { result: true, description: "Webhook was set" };
  };
  return { set, remove };
}

function checkWebhookUrl(text: string): void {
  if (!URL.canParse(text) || !isLink(text, { httpAllowed: false })) {
    throw badRequest("bad webhook: An HTTPS URL must be provided for webhook");
  }
  const url = new URL(text);
  // On this machine every port will do: nothing but a sandbox or a test is there.
  if (url.protocol === "https:" && !WEBHOOK_PORTS.includes(url.port || "443")) {
    throw badRequest("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443");
  }
}

/** What `getWebhookInfo` answers. */
export function webhookInfo({ webhook, updates }: CallNeeds): object {
  const { settings, lastError } = webhook;
  return {
    url: settings?.url ?? "",
    has_custom_certificate: false,
    pending_update_count: updates.pending().length,
    ...(settings === undefined ? {} : { max_connections: settings.maxConnections ?? 40 }),
    ...(lastError === undefined
      ? {}
      : { last_error_date: unixSeconds(lastError.at), last_error_message: lastError.message }),
    allowed_updates: updates.allowed,
  };
}
