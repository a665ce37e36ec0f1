import { createWords, type WordTable } from "../kit/words.ts";
import { auditTables } from "./words-audit.ts";
import { broadcastsTables } from "./words-broadcasts.ts";
import { frameTables } from "./words-frame.ts";
import { overviewTables } from "./words-overview.ts";
import { paymentsTables } from "./words-payments.ts";
import { peopleTables } from "./words-people.ts";
import { picturesTables } from "./words-pictures.ts";
import { queueTables } from "./words-queue.ts";
import { salesTables } from "./words-sales.ts";
import { serverTables } from "./words-server.ts";
import { taxTables } from "./words-tax.ts";

/** The words of each page of the panel; no two of them have a key in common, which a test sees to. */
export const PANEL_PAGES = [
  frameTables,
  peopleTables,
  paymentsTables,
  taxTables,
  picturesTables,
  queueTables,
  overviewTables,
  broadcastsTables,
  salesTables,
  serverTables,
  auditTables,
] as const;

const en = {
  ...frameTables.en,
  ...peopleTables.en,
  ...paymentsTables.en,
  ...taxTables.en,
  ...picturesTables.en,
  ...queueTables.en,
  ...overviewTables.en,
  ...broadcastsTables.en,
  ...salesTables.en,
  ...serverTables.en,
  ...auditTables.en,
};
export type PanelKey = keyof typeof en;

const ru: WordTable<PanelKey> = {
  ...frameTables.ru,
  ...peopleTables.ru,
  ...paymentsTables.ru,
  ...taxTables.ru,
  ...picturesTables.ru,
  ...queueTables.ru,
  ...overviewTables.ru,
  ...broadcastsTables.ru,
  ...salesTables.ru,
  ...serverTables.ru,
  ...auditTables.ru,
};

export const panelTables = { ru, en };
/** The panel's words in the language of the moment. */
export const words = createWords<PanelKey>(panelTables);
