import { and, asc, eq, gt, gte, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import { kopecksToText } from "../../../platform/money.ts";
import { moscowTime } from "../../../platform/moscow.ts";
import {
  type JournalLine,
  markAnnulled,
  markRegistered,
  payments,
  type TAX_STATES,
  taxEntries,
  taxFilings,
  taxOn,
} from "../../billing/index.ts";
import { change, type Order } from "../change.ts";
import { csvStream } from "../csv.ts";

type Reads = Pick<Context, "db">;

export interface TaxFilter {
  month: string;
  state?: (typeof TAX_STATES)[number] | undefined;
}

/** Lines of an export read at once. */
const EXPORT_PAGE_SIZE = 1_000;

/** The journal of a month, oldest first; `before` is the id of the last entry already seen. */
export async function listTaxEntries(
  ctx: Reads,
  filter: TaxFilter,
  page: { before: string | null; limit: number },
): Promise<JournalLine[]> {
  if (page.before === null) return linesBehind(ctx, filter, null, page.limit);
  const [last] = await ctx.db.select().from(taxEntries).where(eq(taxEntries.id, page.before));
  return last ? linesBehind(ctx, filter, last, page.limit) : [];
}

async function linesBehind(
  ctx: Reads,
  { month, state }: TaxFilter,
  last: { date: string; id: string } | null,
  limit: number,
): Promise<JournalLine[]> {
  const behind =
    last === null
      ? undefined
      : and(
          gte(taxEntries.date, last.date),
          or(gt(taxEntries.date, last.date), and(eq(taxEntries.date, last.date), gt(taxEntries.id, last.id))),
        );
  return ctx.db
    .select({ entry: taxEntries, payment: payments, filing: taxFilings })
    .from(taxEntries)
    .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
    .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
    .where(
      and(
        gte(taxEntries.date, `${month}-01`),
        lt(taxEntries.date, `${month}-32`),
        state === undefined ? undefined : eq(taxEntries.state, state),
        behind,
      ),
    )
    .orderBy(asc(taxEntries.date), asc(taxEntries.id))
    .limit(limit);
}

export function taxEntryRow({ entry, payment, filing }: JournalLine) {
  return {
    id: entry.id,
    payment_id: entry.paymentId,
    date: entry.date,
    operation_at: entry.operationAt.toISOString(),
    gross_kopecks: entry.grossKopecks,
    tax_kopecks: taxOn(entry.grossKopecks),
    service: entry.service,
    state: entry.state,
    annul_reason: entry.annulReason,
    annul_due: entry.annulDue,
    receipt: entry.receiptNumber,
    receipt_url: entry.receiptUrl,
    test: payment.isTest,
    attempts: filing?.attempts ?? 0,
    last_error: filing?.lastError ?? null,
  };
}

const HEADING = [
  "id",
  "date",
  "moscow_time",
  "gross",
  "tax_estimate",
  "buyer",
  "service",
  "state",
  "receipt",
  "receipt_url",
  "annul_reason",
  "annul_due",
  "payment",
  "test",
  "last_error",
];

/** The journal of a month as a CSV, whole. */
export function taxCsv(ctx: Reads, month: string): ReadableStream<Uint8Array> {
  return csvStream(
    HEADING,
    (last: JournalLine | null) => linesBehind(ctx, { month }, last?.entry ?? null, EXPORT_PAGE_SIZE),
    ({ entry, payment, filing }) => [
      entry.id,
      entry.date,
      moscowTime(entry.operationAt),
      kopecksToText(entry.grossKopecks),
      kopecksToText(taxOn(entry.grossKopecks)),
      entry.buyer,
      entry.service,
      entry.state,
      entry.receiptNumber,
      entry.receiptUrl,
      entry.annulReason,
      entry.annulDue ? "yes" : "",
      entry.paymentId,
      payment.isTest ? "yes" : "",
      filing?.lastError ?? null,
    ],
  );
}

/** How much of the journal waits for somebody, whatever its month; counted by partial indexes, whose conditions are literals. */
export async function taxWaiting(ctx: Reads): Promise<{ to_register: number; to_annul: number }> {
  const [registering] = await ctx.db
    .select({ entries: sql`count(*)`.mapWith(Number) })
    .from(taxEntries)
    .where(sql`${taxEntries.state} in ('ready', 'unknown')`);
  const [annulling] = await ctx.db
    .select({ entries: sql`count(*)`.mapWith(Number) })
    .from(taxEntries)
    .where(sql`${taxEntries.annulDue} and ${taxEntries.state} = 'annulled'`);
  return { to_register: registering?.entries ?? 0, to_annul: annulling?.entries ?? 0 };
}

/** Marks an entry as registered in «Мой налог» by hand. Throws `already_finished` where that is not due. */
export async function registerByOperator(ctx: Context, order: Order & { receipt: string }): Promise<JournalLine> {
  return markEntry(ctx, order, "tax.register", (tx) => markRegistered(tx, order.id, order.receipt));
}

/** Marks an annulled entry as annulled there too. Throws `already_finished` where that is not due. */
export async function annulByOperator(ctx: Context, order: Order): Promise<JournalLine> {
  return markEntry(ctx, order, "tax.annul", (tx) => markAnnulled(tx, order.id));
}

function markEntry(
  ctx: Context,
  order: Order,
  action: "tax.register" | "tax.annul",
  mark: (tx: Context) => Promise<boolean>,
): Promise<JournalLine> {
  return change(ctx, order, {
    action,
    subject: "tax_entry",
    read: (tx) => lineOf(tx, order.id),
    async make(tx) {
      if (!(await mark(tx))) throw new Refusal("already_finished");
    },
    facts: ({ entry }) => ({ state: entry.state, annul_due: entry.annulDue, receipt: entry.receiptNumber }),
    personOf: ({ payment }) => payment.userId,
  });
}

async function lineOf(ctx: Reads, entryId: string): Promise<JournalLine> {
  const [line] = isId(entryId)
    ? await ctx.db
        .select({ entry: taxEntries, payment: payments, filing: taxFilings })
        .from(taxEntries)
        .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
        .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
        .where(eq(taxEntries.id, entryId))
    : [];
  if (!line) throw new Refusal("not_found");
  return line;
}
