import { HOUR_MS, SECOND_MS, systemClock } from "../../platform/clock.ts";
import type { Settings } from "../../platform/config/settings.ts";
import { silentLog } from "../../platform/telemetry/log.ts";
import { createTelegramClient, type TelegramClient, TelegramFailure } from "../../providers/telegram/client.ts";
import { telegramAdvice, WEBHOOK_PATH } from "../bot.ts";
import { shownMoment } from "../command.ts";
import { type DoctorCheck, type Finding, failed, ok, warning } from "./check.ts";

const TIMEOUT_MS = 15 * SECOND_MS;
const CALL_MS_MAX = 4 * SECOND_MS;
/** A failure that is older has been followed by deliveries, or by silence. */
const RECENT_MS = HOUR_MS;
/** More than this do not wait for a server that keeps up. */
const PENDING_COUNT_MAX = 50;
const NEEDS = ["TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL", "PROVIDER_LOOPBACK"] as const;

/** The bot's token works, and its name is the one that links are made of. Asks Telegram itself. */
export const botCheck: DoctorCheck = {
  name: "bot",
  needs: [...NEEDS, "TELEGRAM_BOT_NAME"],
  timeoutMs: TIMEOUT_MS,
  run: ({ checked: { settings } }) =>
    asking(settings, async (bot) => {
      const { username } = await bot.getMe();
      const { TELEGRAM_BOT_NAME: name } = settings;
      if (name === "") {
        return warning(`@${username} answers. TELEGRAM_BOT_NAME is not set, so no link into Telegram can be made.`, [
          `Set TELEGRAM_BOT_NAME=${username}.`,
        ]);
      }
      // Telegram does not tell upper case from lower case in names.
      if (name.toLowerCase() === username.toLowerCase()) return ok(`@${username} answers.`);
      return failed(`The token is of @${username}, and TELEGRAM_BOT_NAME says ${name}: links lead to another bot.`, [
        `Set TELEGRAM_BOT_NAME=${username}, or the token of ${name}.`,
      ]);
    }),
};

/** What people write to the bot reaches this server. */
export const webhookCheck: DoctorCheck = {
  name: "bot webhook",
  needs: [...NEEDS, "PUBLIC_URL", "TELEGRAM_WEBHOOK_SECRET"],
  timeoutMs: TIMEOUT_MS,
  async run({ checked: { settings } }) {
    if (settings.TELEGRAM_WEBHOOK_SECRET === "") {
      return warning("TELEGRAM_WEBHOOK_SECRET is not set: nobody who writes to the bot is heard.", [
        "Make one with: openssl rand -hex 32. Then run: atelier bot set-webhook",
      ]);
    }
    return asking(settings, async (bot) => judge(await bot.getWebhookInfo(), settings.PUBLIC_URL + WEBHOOK_PATH));
  },
};

type WebhookState = Awaited<ReturnType<TelegramClient["getWebhookInfo"]>>;

function judge(state: WebhookState, expectedUrl: string): Finding {
  const { url, pendingUpdateCount, lastErrorMessage, lastErrorAt } = state;
  if (url === "") return warning("None is set: nobody who writes to the bot is heard.", ["atelier bot set-webhook"]);
  if (url !== expectedUrl) {
    return failed(`It leads to ${url}, not to ${expectedUrl}.`, [
      "Set it with: atelier bot set-webhook. If another server is meant to hear this bot, use another bot here.",
    ]);
  }
  const complaints: string[] = [];
  if (pendingUpdateCount > PENDING_COUNT_MAX) {
    complaints.push(`${pendingUpdateCount} updates wait: the server does not take them, or not fast enough.`);
  }
  const isRecent = lastErrorAt !== undefined && systemClock.now().getTime() - lastErrorAt.getTime() < RECENT_MS;
  if (isRecent) {
    complaints.push(
      `The last failure was at ${shownMoment(lastErrorAt)}: ${lastErrorMessage ?? "no reason given"}. After a change of TELEGRAM_WEBHOOK_SECRET run: atelier bot set-webhook`,
    );
  }
  const text = `It leads here; ${pendingUpdateCount} updates wait.`;
  return complaints.length === 0 ? ok(text) : warning(text, complaints);
}

async function asking(settings: Settings, ask: (bot: TelegramClient) => Promise<Finding>): Promise<Finding> {
  const bot = createTelegramClient({
    apiUrl: settings.TELEGRAM_API_URL,
    botToken: settings.TELEGRAM_BOT_TOKEN[0] ?? "",
    log: silentLog,
    loopbackAllowed: settings.PROVIDER_LOOPBACK === "allow",
    timeouts: { callMs: CALL_MS_MAX },
  });
  try {
    return await ask(bot);
  } catch (error) {
    if (error instanceof TelegramFailure) return failed(`${error.message}. ${telegramAdvice(error)}`);
    throw error;
  }
}
