import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { csvCell, csvLine, csvStream } from "../../../src/features/admin/csv.ts";
import { seed } from "../../../src/features/admin/index.ts";
import { paymentsCsv } from "../../../src/features/admin/payments/payment-list.ts";
import { payments } from "../../../src/features/billing/index.ts";
import { startTestApp } from "../../support/app.ts";

/** Reads a CSV as a spreadsheet does. */
function cellsOf(line: string): string[] {
  const cells = [""];
  let isQuoted = false;
  const text = line.slice(0, -2);
  for (let place = 0; place < text.length; place += 1) {
    const letter = text.charAt(place);
    if (letter === '"' && isQuoted && text.charAt(place + 1) === '"') place += 1;
    else if (letter === '"') {
      isQuoted = !isQuoted;
      continue;
    } else if (letter === "," && !isQuoted) {
      cells.push("");
      continue;
    }
    cells[cells.length - 1] += letter;
  }
  return cells;
}

describe("a CSV", () => {
  test("gives back every text, and none that a spreadsheet would run", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("=1+1", "+7", "-1", "@x", "\t=1", "\r=1", 'a"b', "a,b", "a\nb"));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (cells) => {
        const read = cellsOf(csvLine(cells));
        expect(read).toEqual(cells.map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell)));
        for (const cell of read) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
      }),
      { numRuns: 300 },
    );
    expect([csvCell(-5), csvCell(null), csvCell("-5")]).toEqual(["-5", "", "'-5"]);
  });

  test("is read a page at a time as it is taken, and no further when its reader goes away", async () => {
    let pages = 0;
    const stream = csvStream(
      ["number"],
      async (last: number | null) => {
        pages += 1;
        return last === null ? [1, 2] : last < 1_000_000 ? [last + 1, last + 2] : [];
      },
      (number) => [number],
    );
    const reader = stream.getReader();
    for (let chunk = 0; chunk < 4; chunk += 1) await reader.read();
    await reader.cancel();
    await Bun.sleep(5);
    expect(pages).toBeLessThanOrEqual(5);
  });

  test("of payments has each once, over several pages, in the order of the list", async () => {
    const { ctx } = await startTestApp();
    await seed(ctx, { people: 200, payments: 2_300, generations: 0, turns: 0, days: 90, seed: 5 });
    const text = await new Response(paymentsCsv(ctx, {})).text();
    const lines = text.trimEnd().split("\r\n").slice(1);
    const rows = (await ctx.db.select().from(payments)).toSorted(
      (a, b) => Number(b.createdAt) - Number(a.createdAt) || (a.id < b.id ? 1 : -1),
    );
    expect(lines.map((line) => line.split(",")[0])).toEqual(rows.map((row) => row.id));
    expect(lines).toHaveLength(2_300);

    // All of one moment: a page ends in the middle of them.
    await ctx.db.update(payments).set({ createdAt: ctx.clock.now() });
    const again = (await new Response(paymentsCsv(ctx, {})).text()).trimEnd().split("\r\n").slice(1);
    const ids = rows
      .map((row) => row.id)
      .toSorted()
      .toReversed();
    expect(again.map((line) => line.split(",")[0])).toEqual(ids);
  });
});
