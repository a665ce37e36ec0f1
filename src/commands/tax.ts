import {
  type JournalLine,
  journalOf,
  type Meter,
  type MonthReport,
  metersAt,
  monthReport,
  monthReports,
  taxOn,
} from "../features/billing/index.ts";
import { systemClock } from "../platform/clock.ts";
import { OperatorError } from "../platform/errors.ts";
import { kopecksToText } from "../platform/money.ts";
import { moscowMonth, moscowMonthStart, moscowTime } from "../platform/moscow.ts";
import { type Command, printJson, readArguments, table, withContext } from "./command.ts";

const USAGE = "Usage: atelier tax export [--month 2026-11] [--out <file>] [--json]";
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
  "moscow_time",
  "receipt_url",
  "test",
  "attempts",
  "last_error",
];

export const taxExportCommand: Command = {
  name: "tax export",
  summary: "the tax journal of a month as CSV, with the year's months and the meters",
  help: `${USAGE}

  --month   a month in Moscow's calendar; default: this one
  --out     write the CSV to this file; default: standard output
  --json    for a program, in place of the CSV: {month, entries, months, meters}; with --out the CSV is written too

Each sale is one line with its Moscow date and the full sum that the buyer paid: type it into «Мой налог», then
\`atelier tax mark <id> --receipt <number>\`. Lines with annul_due were registered and then refunded: annul them there too.
Where MY_TAX_INN and MY_TAX_PASSWORD are set, the server does both by itself; state unknown means that it looks whether a sale
arrived, last_error what kept it. Lines with test are of a test shop: no money moved, and they belong into no tax.

Standard error shows the year month by month, everything in the month of the payment: paid by buyers, refunded, base of the
tax, tax at 4 % (an estimate: the bill is the tax service's), commission (~: a part of it is a forecast), what is left.

Examples:
  atelier tax export --month 2026-11 --out november.csv
  atelier tax export --json | jq .months`,
  async run(args) {
    const { values } = readArguments(args, {
      usage: USAGE,
      options: { month: "string", out: "string", json: "boolean" },
    });
    const month = values.month ?? moscowMonth(systemClock.now());
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
      throw new OperatorError(`--month must be like 2026-11, not "${month}".`);
    return withContext(async (ctx) => {
      const year = await journalOf(ctx, month.slice(0, 4));
      const lines = year.filter(({ entry }) => entry.date.startsWith(month));
      const meters = await metersAt(ctx, moscowMonthStart(month));
      const csv = `${[HEADING, ...lines.map(cellsOf)].map((cells) => cells.map(quoted).join(",")).join("\r\n")}\r\n`;
      if (values.out !== undefined) await Bun.write(values.out, csv);
      else if (!values.json) process.stdout.write(csv);
      if (values.json) {
        printJson({ month, entries: lines.map(objectOf), months: monthReports(year), meters: meters.map(meterObject) });
        return 0;
      }
      const inForce = monthReport(month, lines);
      const say = (text: string) => process.stderr.write(`${text}\n`);
      say(`${inForce.sales} sales in force in ${month}: ${kopecksToText(inForce.base_kopecks)} ₽.`);
      say(`\n${monthTable(monthReports(year))}\n`);
      for (const meter of meters) say(meterText(meter));
      return 0;
    });
  },
};

/** A meter as a sentence. */
export function meterText({ name, period, kopecks, limitKopecks, percent }: Meter): string {
  const what = name === "tax_year" ? `Income of ${period}` : `Taken through the shop in ${period}`;
  const sum = `${what}: ${kopecksToText(kopecks)} ₽`;
  return limitKopecks === 0 ? `${sum}.` : `${sum}, ${percent} % of ${kopecksToText(limitKopecks)} ₽.`;
}

function monthTable(months: readonly MonthReport[]): string {
  const rows = months.map((one) => [
    one.month,
    String(one.sales),
    kopecksToText(one.paid_kopecks),
    kopecksToText(one.refunded_kopecks),
    kopecksToText(one.base_kopecks),
    kopecksToText(one.tax_estimate_kopecks),
    `${one.commission_forecast_kopecks > 0 ? "~" : ""}${kopecksToText(one.commission_kopecks)}`,
    signed(one.net_kopecks),
  ]);
  return table(["month", "sales", "paid", "refunded", "base", "tax, estimate", "commission", "left"], rows);
}

/** What is left can be less than nothing: after refunds the commission stays paid. */
function signed(kopecks: number): string {
  return kopecks < 0 ? `-${kopecksToText(-kopecks)}` : kopecksToText(kopecks);
}

function meterObject({ name, period, kopecks, limitKopecks, percent }: Meter) {
  return { name, period, kopecks, limit_kopecks: limitKopecks, percent };
}

function objectOf({ entry, payment, filing }: JournalLine) {
  return {
    id: entry.id,
    payment_id: entry.paymentId,
    date: entry.date,
    time: entry.operationAt.toISOString(),
    gross_kopecks: entry.grossKopecks,
    tax_estimate_kopecks: taxOn(entry.grossKopecks),
    buyer: entry.buyer,
    service: entry.service,
    state: entry.state,
    receipt: entry.receiptNumber,
    receipt_url: entry.receiptUrl,
    annul_reason: entry.annulReason,
    annul_due: entry.annulDue,
    test: payment.isTest,
    attempts: filing?.attempts ?? 0,
    aside: filing?.aside ?? null,
    last_error: filing?.lastError ?? null,
  };
}

function cellsOf({ entry, payment, filing }: JournalLine): string[] {
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
    moscowTime(entry.operationAt),
    entry.receiptUrl ?? "",
    payment.isTest ? "yes" : "",
    String(filing?.attempts ?? 0),
    filing?.lastError ?? "",
  ];
}

/** Quoted where CSV needs it (RFC 4180), and never a formula: a spreadsheet runs what begins with = + - or @. */
function quoted(cell: string): string {
  const plain = /^[=+\-@\t]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
