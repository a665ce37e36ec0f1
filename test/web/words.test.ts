import { expect, test } from "bun:test";
import { AUDIT_ACTIONS } from "../../src/features/audit/tables.ts";
import { ENTRY_KINDS, GRANT_KINDS } from "../../src/features/billing/tables.ts";
import { WRITE_STATES } from "../../src/features/profile/tables.ts";
import { ACTIONS } from "../../src/platform/config/catalogue.ts";
import { PANEL_PAGES, panelTables } from "../../src/web/admin/words.ts";
import { codeTables } from "../../src/web/admin/words-codes.ts";
import { editTables } from "../../src/web/app/words-edit.ts";
import { fittingTables } from "../../src/web/app/words-fitting.ts";
import { friendTables } from "../../src/web/app/words-friends.ts";
import { historyTables } from "../../src/web/app/words-history.ts";
import { partTables } from "../../src/web/app/words-parts.ts";
import { pictureTables } from "../../src/web/app/words-pictures.ts";
import { sandboxTables } from "../../src/web/app/words-sandbox.ts";
import { settingsTables } from "../../src/web/app/words-settings.ts";
import { shellTables } from "../../src/web/app/words-shell.ts";
import { shopTables } from "../../src/web/app/words-shop.ts";
import type { Words, WordTable } from "../../src/web/kit/words.ts";

/** Every table of words; a new one takes its line here. */
const TABLES: ReadonlyArray<readonly [string, Record<"ru" | "en", WordTable<string>>]> = [
  ["the panel", panelTables],
  ["the panel's codes", codeTables],
  ["the Mini App's frame", shellTables],
  ["friends", friendTables],
  ["settings", settingsTables],
  ["the sandbox", sandboxTables],
  ["the Mini App's parts", partTables],
  ["the Mini App's pictures", pictureTables],
  ["the Mini App's shop", shopTables],
  ["the Mini App's history", historyTables],
  ["the Mini App's try-on", fittingTables],
  ["the Mini App's editing", editTables],
];

const placesIn = (words: Words): string[][] =>
  (typeof words === "string" ? [words] : Object.values(words)).map((text) =>
    [...text.matchAll(/\{([a-z_]+)\}/g)].map(([, name = ""]) => name).sort(),
  );

test.each(TABLES)(
  "both languages of %s say the same keys with the same things put in, and Russian has its three plurals",
  (_, { ru, en }) => {
    expect(Object.keys(ru).sort()).toEqual(Object.keys(en).sort());
    for (const [key, english] of Object.entries(en)) {
      const russian = ru[key] ?? "";
      const [first = []] = placesIn(english);
      for (const places of [...placesIn(english), ...placesIn(russian)]) expect([key, places]).toEqual([key, first]);
      expect([key, typeof russian]).toEqual([key, typeof english]);
      if (typeof russian !== "string") expect(Object.keys(russian).sort()).toEqual(["few", "many", "one", "other"]);
    }
  },
);

test("each action of the trail, each kind of entry and of grant has its words", () => {
  for (const code of [...AUDIT_ACTIONS, ...ENTRY_KINDS, ...GRANT_KINDS, ...ACTIONS, ...WRITE_STATES]) {
    expect([code, Object.keys(codeTables.en).includes(code)]).toEqual([code, true]);
  }
});

test("no page of the panel takes another's word away", () => {
  const keys = PANEL_PAGES.flatMap(({ en }) => Object.keys(en));
  expect(keys.filter((key, place) => keys.indexOf(key) !== place)).toEqual([]);
  expect(Object.keys(panelTables.en).sort()).toEqual(keys.toSorted());
});
