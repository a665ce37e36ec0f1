import { and, asc, eq, inArray, isNotNull, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { tellOwner } from "../../notifications/index.ts";
import { payments, taxEntries } from "../payments/payment-tables.ts";
import type { TaxEntry } from "./tax.ts";
import { type AsideReason, taxFilings } from "./tax-tables.ts";

export type TaxFiling = typeof taxFilings.$inferSelect;

/** What is to be done about an entry: annul its receipt, look whether it has one, or send it. */
export type TaxTask = "annul" | "look" | "send";

export interface DueEntry {
  entry: TaxEntry;
  filing: TaxFiling | null;
}

type Reads = Pick<Context, "db">;

/** Registered, or perhaps so, and then refunded. Without a number nobody knows yet whether there is anything to annul. */
const isAnnulDue = and(eq(taxEntries.state, "annulled"), eq(taxEntries.annulDue, true));
const conditions: Record<TaxTask, SQL | undefined> = {
  annul: and(isAnnulDue, isNotNull(taxEntries.receiptNumber)),
  look: or(eq(taxEntries.state, "unknown"), and(isAnnulDue, isNull(taxEntries.receiptNumber))),
  send: eq(taxEntries.state, "ready"),
};

/** Something is still to be done about it, by the connector or by hand. */
const isOpen = or(conditions.annul, conditions.look, conditions.send);

/** Sales of a test shop moved no money: a true receipt for one would be a tax on nothing. */
export const mayBeSent = (isReal: boolean) => (isReal ? eq(payments.isTest, false) : undefined);

/** The entries for which it is time, oldest first. What lies aside for a person is left alone. */
export async function dueEntries(
  ctx: Pick<Context, "db" | "clock">,
  task: TaxTask,
  options: { isReal: boolean; limit: number },
): Promise<DueEntry[]> {
  const now = ctx.clock.now();
  return ctx.db
    .select({ entry: taxEntries, filing: taxFilings })
    .from(taxEntries)
    .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
    .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
    .where(
      and(
        conditions[task],
        mayBeSent(options.isReal),
        isNull(taxFilings.aside),
        or(isNull(taxFilings.nextAt), lte(taxFilings.nextAt, now)),
        lte(taxEntries.operationAt, now),
      ),
    )
    .orderBy(asc(taxEntries.id))
    .limit(options.limit);
}

/** How many entries wait for what. `aside`: a person has to act. `test`: of a test shop, and not for the real tax service. */
export interface TaxBacklog {
  ready: number;
  unknown: number;
  annul: number;
  aside: number;
  test: number;
}

export async function taxBacklog(ctx: Reads, isReal: boolean): Promise<TaxBacklog> {
  const count = (condition: SQL | undefined) =>
    sql`coalesce(sum(case when ${condition ?? sql`false`} then 1 else 0 end), 0)`.mapWith(Number);
  const isLeft = isReal ? eq(payments.isTest, true) : undefined;
  const isWaiting = (condition: SQL | undefined) => count(and(condition, isNull(taxFilings.aside), mayBeSent(isReal)));
  const [row] = await ctx.db
    .select({
      ready: isWaiting(conditions.send),
      unknown: isWaiting(conditions.look),
      annul: isWaiting(conditions.annul),
      aside: count(isNotNull(taxFilings.aside)),
      test: count(isLeft),
    })
    .from(taxEntries)
    .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
    .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
    .where(isOpen);
  return row ?? { ready: 0, unknown: 0, annul: 0, aside: 0, test: 0 };
}

/** Writes what the connector does about an entry, making the row at the first time. */
export async function noteFiling(
  tx: Pick<Context, "db" | "clock">,
  entryId: string,
  change: Partial<Omit<TaxFiling, "entryId" | "updatedAt">>,
): Promise<void> {
  const now = tx.clock.now();
  const values = { attempts: 0, looks: 0, nextAt: now, ...change, updatedAt: now };
  await tx.db
    .insert(taxFilings)
    .values({ entryId, ...values })
    .onConflictDoUpdate({ target: taxFilings.entryId, set: { ...change, updatedAt: now } });
}

/** Leaves the entry to a person, who is told why. */
export async function putAside(
  tx: Context,
  entry: TaxEntry,
  aside: AsideReason,
  details: Record<string, unknown>,
): Promise<void> {
  const lastError = typeof details.message === "string" ? details.message : null;
  await noteFiling(tx, entry.id, { aside, lastError });
  await tellOwner(tx, {
    level: "critical",
    reason: `tax_${aside}`,
    details: { entry_id: entry.id, payment_id: entry.paymentId, gross_kopecks: entry.grossKopecks, ...details },
  });
}

/** Takes everything that lies aside up again; returns how much that is. */
export async function takeUpAgain(tx: Pick<Context, "db" | "clock">): Promise<number> {
  const now = tx.clock.now();
  const taken = await tx.db
    .update(taxFilings)
    .set({ aside: null, looks: 0, nextAt: now, updatedAt: now })
    .where(
      and(
        isNotNull(taxFilings.aside),
        inArray(taxFilings.entryId, tx.db.select({ id: taxEntries.id }).from(taxEntries).where(isOpen)),
      ),
    )
    .returning({ id: taxFilings.entryId });
  return taken.length;
}
