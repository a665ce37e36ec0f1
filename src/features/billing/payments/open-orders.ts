import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { payments, refunds } from "./payment-tables.ts";

/** Rows that are counted at most; a shop with more open orders than this has other worries. */
const COUNTED_MAX = 10_000;
const count = sql`count(*)`.mapWith(Number);

/** Payments whose end the provider has not named yet, and that are still asked about. */
export async function openPayments({ db }: Pick<Context, "db">): Promise<number> {
  // A literal, so that both planners see that the index of the open ones will do.
  const isOpen = sql`${payments.nextCheckAt} is not null`;
  const open = db.select({ id: payments.id }).from(payments).where(isOpen).limit(COUNTED_MAX).as("open");
  const [row] = await db.select({ orders: count }).from(open);
  return row?.orders ?? 0;
}

/** The same of refunds. */
export async function openRefunds({ db }: Pick<Context, "db">): Promise<number> {
  const isOpen = sql`${refunds.nextCheckAt} is not null`;
  const open = db.select({ id: refunds.id }).from(refunds).where(isOpen).limit(COUNTED_MAX).as("open");
  const [row] = await db.select({ orders: count }).from(open);
  return row?.orders ?? 0;
}
