import {
  markAnnulled,
  markRegistered,
  type TaxEntry,
  taxMonth,
  taxOn,
  YEAR_LIMIT_KOPECKS,
  yearIncome,
} from "../features/billing/index.ts";
import { systemClock } from "../platform/clock.ts";
import { OperatorError } from "../platform/errors.ts";
import { kopecksToText } from "../platform/money.ts";
import { moscowMonth } from "../platform/moscow.ts";
import { type Command, print, readArguments, withContext } from "./command.ts";

const EXPORT_USAGE = "Usage: atelier tax export [--month 2026-11] [--out <file>]";
const MARK_USAGE = "Usage: atelier tax mark <entry> [--receipt <number or link>] [--annulled]";
const HEADING = [
  "id",
  "date",
  "time",
  "gross",
  "tax_estimate",
  "buyer",
  "service",
  "state",
  "receipt",
  "annul_reason",
  "annul_due",
];

export const taxExportCommand: Command = {
  name: "tax export",
  summary: "the tax journal of a month as CSV, with the year's meter",
  help: `${EXPORT_USAGE}

  --month   a month in Moscow's calendar; default: this one
  --out     write the CSV to this file; default: standard output

Each sale is one line with its Moscow date and the full sum that the buyer paid: type it into «Мой налог», then
\`atelier tax mark <id> --receipt <number>\`. Lines with annul_due were registered and then refunded: annul them there too.`,
  async run(args) {
    const { values } = readArguments(args, { usage: EXPORT_USAGE, options: { month: "string", out: "string" } });
    const month = values.month ?? moscowMonth(systemClock.now());
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
      throw new OperatorError(`--month must be like 2026-11, not "${month}".`);
    return withContext(async (ctx) => {
      const entries = await taxMonth(ctx, month);
      const csv = `${[HEADING, ...entries.map(lineOf)].map((cells) => cells.map(quoted).join(",")).join("\r\n")}\r\n`;
      if (values.out === undefined) process.stdout.write(csv);
      else await Bun.write(values.out, csv);
      const inForce = entries.filter((entry) => entry.state !== "annulled");
      const gross = inForce.reduce((sum, entry) => sum + entry.grossKopecks, 0);
      const { kopecks, percent } = await yearIncome(ctx, month.slice(0, 4));
      const say = (text: string) => process.stderr.write(`${text}\n`);
      say(`${inForce.length} sales in force in ${month}: ${kopecksToText(gross)} ₽.`);
      say(`The year so far: ${kopecksToText(kopecks)} ₽, ${percent} % of ${kopecksToText(YEAR_LIMIT_KOPECKS)} ₽.`);
      return 0;
    });
  },
};

export const taxMarkCommand: Command = {
  name: "tax mark",
  summary: "mark an entry as registered, or an annulled one as annulled, in «Мой налог»",
  help: `${MARK_USAGE}

  --receipt    the receipt's number, or its https link, which the buyer then sees
  --annulled   the registered receipt of a refunded sale was annulled there

Examples:
  atelier tax mark 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --receipt 20ab3kq9zx
  atelier tax mark 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --annulled`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: MARK_USAGE,
      words: ["entry"],
      options: { receipt: "string", annulled: "boolean" },
    });
    if ((values.receipt === undefined) === (values.annulled === undefined)) {
      throw new OperatorError(`Give either --receipt or --annulled.\n${MARK_USAGE}`);
    }
    return withContext(async (ctx) => {
      const isMarked =
        values.receipt === undefined
          ? await markAnnulled(ctx, words[0])
          : await markRegistered(ctx, words[0], values.receipt);
      if (!isMarked) throw new OperatorError(`There is no entry ${words[0]} for which that is due.`);
      print("Marked.");
      return 0;
    });
  },
};

function lineOf(entry: TaxEntry): string[] {
  return [
    entry.id,
    entry.date,
    entry.operationAt.toISOString(),
    kopecksToText(entry.grossKopecks),
    kopecksToText(taxOn(entry.grossKopecks)),
    entry.buyer,
    entry.service,
    entry.state,
    entry.receiptNumber ?? "",
    entry.annulReason ?? "",
    entry.annulDue ? "yes" : "",
  ];
}

/** Quoted where CSV needs it (RFC 4180), and never a formula: a spreadsheet runs what begins with = + - or @. */
function quoted(cell: string): string {
  const plain = /^[=+\-@\t]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
