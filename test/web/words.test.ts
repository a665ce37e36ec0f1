import { expect, test } from "bun:test";
import { en } from "../../src/web/admin/words-en.ts";
import { ru } from "../../src/web/admin/words-ru.ts";
import { editTables } from "../../src/web/app/words-edit.ts";
import { partTables } from "../../src/web/app/words-parts.ts";
import { pictureTables } from "../../src/web/app/words-pictures.ts";
import { shellTables } from "../../src/web/app/words-shell.ts";
import type { Words, WordTable } from "../../src/web/kit/words.ts";

/** Every table of words; a new one takes its line here. */
const TABLES: ReadonlyArray<readonly [string, Record<"ru" | "en", WordTable<string>>]> = [
  ["the panel", { ru, en }],
  ["the Mini App's frame", shellTables],
  ["the Mini App's parts", partTables],
  ["the Mini App's pictures", pictureTables],
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
