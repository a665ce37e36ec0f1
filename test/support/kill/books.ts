import { asc, type Column, eq, getTableColumns, notInArray } from "drizzle-orm";
import {
  creditEntries,
  creditGrants,
  creditHolds,
  payments,
  planOrders,
  refunds,
  subscriptionPeriods,
  subscriptions,
  taxEntries,
} from "../../../src/features/billing/index.ts";
import { creditHoldParts } from "../../../src/features/billing/tables.ts";
import { taxMeters } from "../../../src/features/billing/tax/tax-tables.ts";
import { outboxMessages, ownerAlerts } from "../../../src/features/notifications/tables.ts";
import { users } from "../../../src/features/profile/index.ts";
import { HOUR_MS } from "../../../src/platform/clock.ts";
import type { Queries } from "../../../src/platform/db/database.ts";
import { liveEvents } from "../../../src/platform/live/tables.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import type { YooKassaEmulator } from "../../../src/sandbox/yookassa.ts";

/** All that is written down of the money, and what the provider has; without what differs between two runs anyway. */
export type Books = Record<string, unknown[]>;

/** Each in the order of a column, and within it in the order in which the rows came to be. */
const TABLES = {
  payments,
  planOrders,
  refunds,
  taxEntries,
  taxMeters,
  creditGrants,
  creditEntries,
  creditHolds,
  creditHoldParts,
  subscriptions,
  subscriptionPeriods,
  ownerAlerts,
};
/** Addresses hold ports and chance; how often somebody looked, and when last, is no money. */
const LEFT_OUT: ReadonlySet<string> = new Set(["returnUrl", "confirmationUrl", "checks", "updatedAt"]);
/** A server that died is back a little later; what it then does in another hour of the day is another matter. */
const ALIKE_MS = 3 * HOUR_MS;
const ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** The books as they are now. Equal ids get equal names, and moments become the nearest of those three hours apart. */
export async function booksOf(db: Queries, shop: YooKassaEmulator): Promise<Books> {
  const names = new Map<string, string>();
  const nameOf = (id: string) => {
    if (!names.has(id)) names.set(id, `#${names.size + 1}`);
    return names.get(id) ?? "";
  };
  const nearest = (moment: string) => new Date(Math.round(Date.parse(moment) / ALIKE_MS) * ALIKE_MS).toISOString();
  const alike = (rows: readonly Record<string, unknown>[]): unknown[] => {
    const kept = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !LEFT_OUT.has(name))));
    return JSON.parse(JSON.stringify(kept).replace(ID, nameOf).replace(MOMENT, nearest)) as unknown[];
  };

  const { balanceCredits, reservedCredits, subscriptionType, subscriptionEnd } = users;
  const person = { balanceCredits, reservedCredits, subscriptionType, subscriptionEnd };
  const books: Books = { people: alike(await db.select(person).from(users).orderBy(asc(users.id))) };
  for (const [name, table] of Object.entries(TABLES)) {
    // What expires and what is renewed at the same time may be booked in either order.
    const first: Column[] = table === creditEntries ? [creditEntries.kind] : [];
    const order = [...first, ...Object.values(getTableColumns(table)).slice(0, 1)];
    books[name] = alike(
      await db
        .select()
        .from(table as typeof payments)
        .orderBy(...order),
    );
  }
  const { type, data } = liveEvents;
  // Of the person's numbers on the way there are others, depending on that order; where they arrive stands in the rows.
  const told = db
    .select({ type, data })
    .from(liveEvents)
    .where(notInArray(type, ["subscription.changed", "balance.changed"]));
  books.told = alike(await told.orderBy(asc(liveEvents.userId), asc(liveEvents.number)));
  const { key, parameters } = outboxMessages;
  const sent = db.select({ key, parameters }).from(outboxMessages);
  books.sentByTheBot = alike(await sent.orderBy(asc(key), asc(outboxMessages.id)));
  books.parkedJobs = alike(await db.select({ kind: jobs.kind }).from(jobs).where(eq(jobs.state, "parked")));
  books.atProvider = alike(atProvider(shop));
  return books;
}

function atProvider(shop: YooKassaEmulator): Record<string, unknown>[] {
  const { payments: made, refunds: given, counts } = shop.stats();
  return [
    ...made.map(({ id, status, amount, income_amount, refunded_amount, metadata }) => {
      return { id, status, amount, income_amount, refunded_amount, metadata };
    }),
    ...given.map(({ id, payment_id, status, amount }) => ({ id, payment_id, status, amount })),
    { storedMethods: counts.methods },
  ];
}
