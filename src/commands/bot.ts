import { isLoopback } from "../platform/config/load.ts";
import type { Settings } from "../platform/config/settings.ts";
import { OperatorError } from "../platform/errors.ts";
import { silentLog } from "../platform/telemetry/log.ts";
import {
  createTelegramClient,
  type TelegramClient,
  TelegramFailure,
  WEBHOOK_PORTS,
} from "../providers/telegram/client.ts";
import { type Command, operatorSettings, print, readArguments, table } from "./command.ts";

/** Where the server takes the bot's updates, below PUBLIC_URL. */
export const WEBHOOK_PATH = "/api/v1/telegram/webhook";
/** What the server looks at; Telegram sends nothing else. */
const UPDATES_WANTED = ["message", "my_chat_member"] as const;
const MENU_TEXT_DEFAULT = "Открыть";
/** The button stands beside the input field of a phone. */
const MENU_TEXT_CHARACTERS_MAX = 30;

const WEBHOOK_USAGE = "Usage: atelier bot set-webhook [--remove] [--dry-run]";

export const botSetWebhookCommand: Command = {
  name: "bot set-webhook",
  summary: "tell Telegram where this server hears the bot",
  help: `${WEBHOOK_USAGE}

  --remove    take the address away: the bot hears nothing, and what people write waits for a day
  --dry-run   show what is set now and what would be, and change nothing

Telegram then sends what people write to the bot to PUBLIC_URL${WEBHOOK_PATH}, with TELEGRAM_WEBHOOK_SECRET in a
header that the server checks. Needed once, and again after PUBLIC_URL or the secret has changed; running it twice does no
harm. PUBLIC_URL must be https on port 443, 80, 88 or 8443. Needs TELEGRAM_BOT_TOKEN too, and no database.
\`atelier doctor\` tells whether updates arrive.

Examples:
  atelier bot set-webhook --dry-run
  atelier bot set-webhook`,
  async run(args) {
    const options = { remove: "boolean", "dry-run": "boolean" } as const;
    const { values } = readArguments(args, { usage: WEBHOOK_USAGE, options });
    const isRemoval = values.remove === true;
    const { settings } = operatorSettings();
    requireSet(settings, isRemoval ? [] : ["PUBLIC_URL", "TELEGRAM_WEBHOOK_SECRET"]);
    const url = settings.PUBLIC_URL + WEBHOOK_PATH;
    if (!isRemoval) requireReachable(url, settings, WEBHOOK_PORTS);
    const { TELEGRAM_WEBHOOK_SECRET: secretToken } = settings;
    return withBot(settings, async (bot) => {
      const { username } = await bot.getMe();
      const now = await bot.getWebhookInfo();
      const rows = [
        ["bot", `@${username}`],
        ["address now", now.url || "none"],
        ["address then", isRemoval ? "none" : url],
        ...(isRemoval ? [] : [["updates", UPDATES_WANTED.join(", ")]]),
        ["updates that wait", String(now.pendingUpdateCount)],
      ];
      print(table(["what", "value"], rows));
      if (values["dry-run"]) return 0;
      if (isRemoval) await bot.deleteWebhook();
      else await bot.setWebhook({ url, secretToken, allowedUpdates: UPDATES_WANTED });
      print(isRemoval ? "\nThe webhook is removed." : "\nThe webhook is set. Write /start to the bot to try it.");
      return 0;
    });
  },
};

const MENU_USAGE = "Usage: atelier bot menu-button [--text <text>] [--dry-run]";

export const botMenuButtonCommand: Command = {
  name: "bot menu-button",
  summary: "put the button that opens the app into every chat with the bot",
  help: `${MENU_USAGE}

  --text      what stands on it, 1 to ${MENU_TEXT_CHARACTERS_MAX} characters; default: ${MENU_TEXT_DEFAULT}
  --dry-run   show what would be set, and change nothing

The button stands beside the input field and opens the Mini App at PUBLIC_URL, which must be https. Telegram shows one
text to everybody, whatever their language. Needs TELEGRAM_BOT_TOKEN, and no database.

Examples:
  atelier bot menu-button
  atelier bot menu-button --text "Try on" --dry-run`,
  async run(args) {
    const { values } = readArguments(args, { usage: MENU_USAGE, options: { text: "string", "dry-run": "boolean" } });
    const text = (values.text ?? MENU_TEXT_DEFAULT).trim();
    if (text === "" || text.length > MENU_TEXT_CHARACTERS_MAX) {
      throw new OperatorError(`--text must have 1 to ${MENU_TEXT_CHARACTERS_MAX} characters, not ${text.length}.`);
    }
    const { settings } = operatorSettings();
    requireSet(settings, ["PUBLIC_URL"]);
    const url = `${settings.PUBLIC_URL}/`;
    requireReachable(url, settings);
    return withBot(settings, async (bot) => {
      const { username } = await bot.getMe();
      const rows = [
        ["bot", `@${username}`],
        ["text", text],
        ["opens", url],
      ];
      print(table(["what", "value"], rows));
      if (values["dry-run"]) return 0;
      await bot.setMenuButton({ text, url });
      print("\nThe button is set. Open apps show it after a restart.");
      return 0;
    });
  },
};

type Needed = "PUBLIC_URL" | "TELEGRAM_WEBHOOK_SECRET";

/** All that is missing, at once. */
function requireSet(settings: Settings, names: readonly Needed[]): void {
  const isMissing = (name: Needed | "TELEGRAM_BOT_TOKEN") => settings[name].length === 0;
  const missing = (["TELEGRAM_BOT_TOKEN", ...names] as const).filter(isMissing);
  if (missing.length === 0) return;
  throw new OperatorError(`${missing.join(" and ")} must be set for this; \`atelier settings\` says what they are.`);
}

/** Telegram itself would refuse it too, in words that name no setting. Beside an emulator this machine's own will do. */
function requireReachable(address: string, settings: Settings, ports?: readonly string[]): void {
  const { protocol, hostname, port } = new URL(address);
  if (protocol === "http:" && isLoopback(hostname) && settings.PROVIDER_LOOPBACK === "allow") return;
  if (protocol !== "https:") {
    throw new OperatorError(`PUBLIC_URL is ${settings.PUBLIC_URL}, and Telegram takes https addresses only.`);
  }
  if (ports !== undefined && !ports.includes(port || "443")) {
    throw new OperatorError(`PUBLIC_URL names port ${port}, and Telegram delivers to ${ports.join(", ")} only.`);
  }
}

/** Runs `work` with the bot of the settings; what Telegram refuses becomes a sentence with what to do. */
async function withBot(settings: Settings, work: (bot: TelegramClient) => Promise<number>): Promise<number> {
  const bot = createTelegramClient({
    apiUrl: settings.TELEGRAM_API_URL,
    botToken: settings.TELEGRAM_BOT_TOKEN[0] ?? "",
    log: silentLog,
    loopbackAllowed: settings.PROVIDER_LOOPBACK === "allow",
  });
  try {
    return await work(bot);
  } catch (error) {
    if (error instanceof TelegramFailure) throw new OperatorError(`${error.message}. ${telegramAdvice(error)}`);
    throw error;
  }
}

/** What to do about a failure of the bot's calls, for commands and `doctor`. */
export function telegramAdvice(failure: TelegramFailure): string {
  switch (failure.reason) {
    case "unauthorized":
      return "Is TELEGRAM_BOT_TOKEN the one that @BotFather shows now?";
    case "too_many_requests":
      return `Try again in ${Math.ceil((failure.retryAfterMs ?? 0) / 1_000)} seconds.`;
    case "rejected":
      return "Is PUBLIC_URL an https address that Telegram can reach?";
    default:
      return "Does this machine reach the Internet, is TELEGRAM_API_URL right, and does Telegram work?";
  }
}
