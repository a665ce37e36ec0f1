import { and, asc, eq, gte, inArray, lt, ne, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { isId, newId } from "../../../platform/ids.ts";
import { moscowDate } from "../../../platform/moscow.ts";
import { taxEntries } from "../payments/payment-tables.ts";

export type TaxEntry = typeof taxEntries.$inferSelect;

/** What a self-employed person may earn in a calendar year, in kopecks (Law 422-FZ, article 4). */
export const YEAR_LIMIT_KOPECKS = 240_000_000;
/** What the sold thing is called in the receipt. */
export const SERVICE_NAME = "Обработка изображений";

type Tx = Pick<Context, "db" | "clock">;

/** Writes the journal's entry for a sale, dated by Moscow's day of the payment; once for each cause. */
export async function enterTax(
  tx: Tx,
  entry: { paymentId: string; cause: string; operationAt: Date; grossKopecks: number },
): Promise<void> {
  const now = tx.clock.now();
  await tx.db
    .insert(taxEntries)
    .values({
      id: newId(),
      paymentId: entry.paymentId,
      cause: entry.cause,
      date: moscowDate(entry.operationAt),
      operationAt: entry.operationAt,
      grossKopecks: entry.grossKopecks,
      buyer: "individual",
      service: SERVICE_NAME,
      state: "ready",
      annulDue: false,
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoNothing();
}

/**
 * Part or all of a sale was given back. A receipt cannot be changed: the entry in force is annulled, and the rest gets a
 * new one with the original time. One that was registered, or may have been, is marked, so that it is annulled there too.
 */
export async function refundTax(
  tx: Tx,
  refund: { refundId: string; paymentId: string; restKopecks: number },
): Promise<void> {
  const now = tx.clock.now();
  // Written before it is read: the connector may be about to change the state of this very entry.
  const inForce = await tx.db
    .update(taxEntries)
    .set({ updatedAt: now })
    .where(and(eq(taxEntries.paymentId, refund.paymentId), ne(taxEntries.state, "annulled")))
    .returning();
  const entry = inForce.sort((a, b) => (a.id < b.id ? 1 : -1))[0];
  if (!entry) return;
  await tx.db
    .update(taxEntries)
    .set({
      state: "annulled",
      annulReason: "Возврат средств",
      annulDue: entry.state === "registered" || entry.state === "unknown",
    })
    .where(eq(taxEntries.id, entry.id));
  if (refund.restKopecks === 0) return;
  await enterTax(tx, {
    paymentId: refund.paymentId,
    cause: `refund:${refund.refundId}`,
    operationAt: entry.operationAt,
    grossKopecks: refund.restKopecks,
  });
}

/** The entries of a Moscow month such as `2026-11`, oldest first. */
export async function taxMonth(ctx: Pick<Context, "db">, month: string): Promise<TaxEntry[]> {
  return ctx.db
    .select()
    .from(taxEntries)
    .where(and(gte(taxEntries.date, `${month}-01`), lt(taxEntries.date, `${month}-32`)))
    .orderBy(asc(taxEntries.date), asc(taxEntries.id));
}

/**
 * Marks an entry as registered in «Мой налог» by hand, with the receipt's number or link; returns whether there was such an
 * entry. One of which nobody knows whether it is registered is settled so too.
 */
export async function markRegistered(ctx: Tx, entryId: string, receiptNumber: string): Promise<boolean> {
  if (!isId(entryId)) return false;
  const marked = await ctx.db
    .update(taxEntries)
    .set({ state: "registered", receiptNumber, updatedAt: ctx.clock.now() })
    .where(and(eq(taxEntries.id, entryId), inArray(taxEntries.state, ["ready", "unknown"])))
    .returning({ id: taxEntries.id });
  return marked.length > 0;
}

/** Marks an annulled entry as annulled at the tax service too; returns whether that was due. */
export async function markAnnulled(ctx: Tx, entryId: string): Promise<boolean> {
  if (!isId(entryId)) return false;
  const marked = await ctx.db
    .update(taxEntries)
    .set({ annulDue: false, updatedAt: ctx.clock.now() })
    .where(and(eq(taxEntries.id, entryId), eq(taxEntries.annulDue, true)))
    .returning({ id: taxEntries.id });
  return marked.length > 0;
}

/** Income of a calendar year so far, in kopecks, against the limit. */
export async function yearIncome(
  ctx: Pick<Context, "db">,
  year: string,
): Promise<{ kopecks: number; percent: number }> {
  const [row] = await ctx.db
    .select({ kopecks: sql`coalesce(sum(${taxEntries.grossKopecks}), 0)`.mapWith(Number) })
    .from(taxEntries)
    .where(
      and(
        gte(taxEntries.date, `${year}-01-01`),
        lt(taxEntries.date, `${year}-12-32`),
        ne(taxEntries.state, "annulled"),
      ),
    );
  const kopecks = row?.kopecks ?? 0;
  return { kopecks, percent: Math.floor((kopecks * 100) / YEAR_LIMIT_KOPECKS) };
}
