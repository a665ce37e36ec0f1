import { expect, test } from "bun:test";
import { en } from "../../src/web/admin/words-en.ts";
import { ru } from "../../src/web/admin/words-ru.ts";
import type { Words } from "../../src/web/kit/words.ts";

const placesIn = (words: Words): string[][] =>
  (typeof words === "string" ? [words] : Object.values(words)).map((text) =>
    [...text.matchAll(/\{([a-z_]+)\}/g)].map(([, name = ""]) => name).sort(),
  );

test("both languages of the panel say the same keys with the same things put in, and Russian has its three plurals", () => {
  expect(Object.keys(ru).sort()).toEqual(Object.keys(en).sort());
  for (const [key, english] of Object.entries(en)) {
    const russian = ru[key as keyof typeof ru];
    const [first = []] = placesIn(english);
    for (const places of [...placesIn(english), ...placesIn(russian)]) expect([key, places]).toEqual([key, first]);
    expect([key, typeof russian]).toEqual([key, typeof english]);
    if (typeof russian !== "string") expect(Object.keys(russian).sort()).toEqual(["few", "many", "one", "other"]);
  }
});
