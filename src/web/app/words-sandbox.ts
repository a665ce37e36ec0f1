import { createWords, type WordTable } from "../kit/words.ts";

/** What only a sandbox says. */
const en = {
  here: "this tab",
  new_tab: "New tab",
  chat: "Chat with the bot",
  switches: "Sandbox controls",
} as const;
type Key = keyof typeof en;

const ru: WordTable<Key> = {
  here: "эта вкладка",
  new_tab: "В новой вкладке",
  chat: "Чат с ботом",
  switches: "Пульт песочницы",
};

export const sandboxWords = createWords<Key>({ ru, en });
export const sandboxTables = { ru, en };
