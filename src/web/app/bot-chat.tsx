import { Button } from "@telegram-apps/telegram-ui";
import { request } from "@tma.js/bridge";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useLoaded } from "../kit/loading.ts";
import { canTell, launchData } from "../kit/telegram.ts";
import { inSandbox, lookAgain, useMe } from "./entry.ts";
import { feel } from "./haptics.ts";
import { openTelegramLink } from "./links.ts";
import { pause } from "./patience.ts";
import { chatAddressOf } from "./sandbox-person.ts";
import { useWhenSeen } from "./seen.ts";
import { toast } from "./toast.tsx";
import { settingsWords } from "./words-settings.ts";

/** How long Telegram's question may stand open. */
const ANSWER_MS_MAX = 5 * 60_000;
/** Telegram tells the server by an update, which comes a little after its answer to the page. */
const LOOKS_MS: readonly number[] = [0, 1_000, 3_000];

/** Whether the bot may write, and how to let it. */
export function BotChat() {
  const { telegram_write_state: state, telegram_id: telegramId } = useMe();
  const [isAsking, setAsking] = useState(false);
  const [isAllowed, setAllowed] = useState(false);
  const status = useLoaded(() => answerOf(api.status.get()), []);
  // Whoever comes back from the bot's chat has perhaps pressed Start there.
  useWhenSeen(lookAgain);
  if (state === "enabled" || isAllowed) {
    return <p class="quiet settings-bot">{settingsWords("bot_enabled")}</p>;
  }
  const ask = async () => {
    setAsking(true);
    const isYes = await mayWrite();
    setAsking(false);
    feel(isYes ? "success" : "warning");
    toast(settingsWords(isYes ? "write_allowed" : "write_refused"));
    if (!isYes) return;
    setAllowed(true);
    for (const milliseconds of LOOKS_MS) {
      await pause(milliseconds);
      await lookAgain();
    }
  };
  const chat = chatOf(telegramId, status.value?.app_link ?? null);
  return (
    <section class="settings-bot" aria-label={settingsWords("bot")}>
      <p>{settingsWords(`bot_${state}`)}</p>
      <div class="notice-buttons">
        {/* A block is lifted in the chat only. */}
        {state !== "blocked" && canTell("web_app_request_write_access") && (
          <Button type="button" size="m" loading={isAsking} disabled={isAsking} onClick={ask}>
            {settingsWords("let_write")}
          </Button>
        )}
        {chat !== null && (
          <Button type="button" size="m" mode="bezeled" onClick={chat}>
            {settingsWords("open_bot")}
          </Button>
        )}
      </div>
    </section>
  );
}

async function mayWrite(): Promise<boolean> {
  try {
    const asked = { timeout: ANSWER_MS_MAX };
    return (await request("web_app_request_write_access", "write_access_requested", asked)).status === "allowed";
  } catch {
    return false;
  }
}

/** Opens the chat: Telegram's, or the one that the sandbox plays. Null where the bot's name is not known. */
function chatOf(telegramId: number, appLink: string | null): (() => void) | null {
  if (inSandbox.read() && launchData() === null) return () => open(chatAddressOf(telegramId), "_blank", "noopener");
  const bot = appLink === null ? undefined : new URL(appLink).pathname.split("/")[1];
  return bot ? () => openTelegramLink(`https://t.me/${bot}`) : null;
}
