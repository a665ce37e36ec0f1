import { kopecksToText } from "../platform/money.ts";
import { moscowMonth } from "../platform/moscow.ts";
import type { BookedReceipt } from "./lknpd-books.ts";

/** Rates in percent, and by how much the one-time deduction lowers them while it lasts. */
const RATES = { individuals: 4, companies: 6 } as const;
const DEDUCTION_RATES = { individuals: 1, companies: 2 } as const;
const KOPECKS_PER_ROUBLE = 100;

/** What the tax service makes of one month. Sums in kopecks. */
export interface MonthSummary {
  month: string;
  /** In force, and annulled. */
  receipts: number;
  cancelled: number;
  individuals_kopecks: number;
  companies_kopecks: number;
  /** 4 % and 6 %, to the kopeck. */
  tax_kopecks: number;
  deduction_used_kopecks: number;
  deduction_left_kopecks: number;
  /** The bill: less the deduction, in full roubles, half up. */
  bill_kopecks: number;
}

/** Every month with receipts up to its last, oldest first; the deduction is used up in this order. */
export function monthSummaries(receipts: readonly BookedReceipt[], deductionKopecks: number): MonthSummary[] {
  const months = [...new Set(receipts.map((one) => moscowMonth(one.operationAt)))].sort();
  let left = deductionKopecks;
  return months.map((month) => {
    const all = receipts.filter((one) => moscowMonth(one.operationAt) === month);
    const live = all.filter((one) => one.cancellation === undefined);
    const sumOf = (isIndividual: boolean) =>
      live
        .filter((one) => (one.incomeType === "FROM_INDIVIDUAL") === isIndividual)
        .reduce((sum, one) => sum + one.totalKopecks, 0);
    const [individuals, companies] = [sumOf(true), sumOf(false)];
    const percentOf = (rates: { individuals: number; companies: number }) =>
      Math.round((individuals * rates.individuals + companies * rates.companies) / 100);
    const tax = percentOf(RATES);
    const used = Math.min(left, percentOf(DEDUCTION_RATES));
    left -= used;
    return {
      month,
      receipts: live.length,
      cancelled: all.length - live.length,
      individuals_kopecks: individuals,
      companies_kopecks: companies,
      tax_kopecks: tax,
      deduction_used_kopecks: used,
      deduction_left_kopecks: left,
      bill_kopecks: Math.round((tax - used) / KOPECKS_PER_ROUBLE) * KOPECKS_PER_ROUBLE,
    };
  });
}

const HEADINGS = ["Месяц", "Чеков", "Аннулировано", "От физлиц", "От юрлиц", "Налог", "Вычет", "К уплате"];

/** The same for people, beside the owner's own report. */
export function summaryPage(months: readonly MonthSummary[]): Response {
  const rows = months.map((one) => [
    one.month,
    String(one.receipts),
    String(one.cancelled),
    ...[
      one.individuals_kopecks,
      one.companies_kopecks,
      one.tax_kopecks,
      one.deduction_used_kopecks,
      one.bill_kopecks,
    ].map((kopecks) => kopecksToText(kopecks)),
  ]);
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return htmlPage(
    "Мой налог: месяцы",
    `<table>${[line(HEADINGS, "th"), ...rows.map((cells) => line(cells, "td"))].join("\n")}</table>
<p>Суммы в рублях. Налог 4 % с физлиц и 6 % с юрлиц; вычет уменьшает его, пока не кончится.</p>`,
  );
}

/** A page of the emulator's; nothing on it is loaded from anywhere. */
export function htmlPage(title: string, body: string): Response {
  const style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}b{background:#ffd84d;color:#222;padding:.1em .5em}td,th{padding:.2em .8em;text-align:right}";
  return new Response(
    `<!doctype html>
<html lang="ru">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>SANDBOX · ${title}</title><style>${style}</style></head>
<body><p><b>SANDBOX</b> Это не ФНС: здесь ничего не регистрируется на самом деле.</p>
${body}
</body></html>
`,
    {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy":
          "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    },
  );
}
