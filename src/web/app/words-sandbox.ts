import { createWords, type WordTable } from "../kit/words.ts";

/** What only a sandbox says. */
const en = {
  here: "this tab",
  new_tab: "New tab",
  chat: "Chat with the bot",
  switches: "All that is played here",
} as const;
type Key = keyof typeof en;

const ru: WordTable<Key> = {
  here: "эта вкладка",
  new_tab: "В новой вкладке",
  chat: "Чат с ботом",
  switches: "Всё, что здесь изображается",
};

export const sandboxWords = createWords<Key>({ ru, en });
export const sandboxTables = { ru, en };
