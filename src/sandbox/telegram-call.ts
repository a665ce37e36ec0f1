import type { Clock } from "../platform/clock.ts";
import type { Faults } from "./faults.ts";
import type { TelegramChats } from "./telegram-chats.ts";
import type { TelegramFiles } from "./telegram-files.ts";
import type { TelegramPace } from "./telegram-pace.ts";
import type { Params } from "./telegram-params.ts";
import type { EmulatedBot } from "./telegram-records.ts";
import type { TelegramUpdates } from "./telegram-updates.ts";
import type { TelegramWebhook } from "./telegram-webhook.ts";

/** What a method of the bot's API works on. */
export interface CallNeeds {
  clock: Clock;
  bot: EmulatedBot;
  faults: Faults;
  chats: TelegramChats;
  files: TelegramFiles;
  pace: TelegramPace;
  updates: TelegramUpdates;
  webhook: TelegramWebhook;
}

/** What a method gives back, and the sentence that may stand beside it. */
export interface Result {
  result: unknown;
  description?: string;
}

export type CallWork = (params: Params, request: Request) => Promise<Result>;
