import type { WordTable } from "../kit/words.ts";

const en = {
  operator: "Operator",
  at_server: "at the server",
  change: "Change",
} as const;

const ru: WordTable<keyof typeof en> = {
  operator: "Оператор",
  at_server: "на сервере",
  change: "Изменение",
};

export const auditTables = { ru, en };
