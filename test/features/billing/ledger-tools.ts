import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import {
  type GrantKind,
  grantCredits,
  type Hold,
  release,
  reserve,
  settle,
} from "../../../src/features/billing/index.ts";
import { findOrCreateUser } from "../../../src/features/profile/index.ts";
import type { Action } from "../../../src/platform/config/catalogue.ts";
import { Refusal } from "../../../src/platform/errors.ts";
import type { TestApp } from "../../support/app.ts";

let people = 7_000_000;
let operations = 0;

/** A person made without signing in; returns their id. */
export async function makePerson(product: TestApp): Promise<string> {
  people += 1;
  const { user } = await findOrCreateUser(product.ctx, { telegramId: people, firstName: "Ledger", languageCode: "en" });
  return user.id;
}

/** A person with pack credits from one source. */
export async function makeRichPerson(product: TestApp, credits: number): Promise<string> {
  const userId = await makePerson(product);
  await give(product, userId, credits);
  return userId;
}

export function give(
  product: TestApp,
  userId: string,
  credits: number,
  more: { kind?: GrantKind; source?: string; expiresAt?: Date } = {},
): Promise<boolean> {
  operations += 1;
  const { kind = "pack", source = `test:${operations}`, expiresAt } = more;
  return grantCredits(product.ctx, { userId, kind, credits, source, expiresAt });
}

/** Holds what an action costs, in a transaction of its own. */
export function hold(product: TestApp, userId: string, action: Action = "fitting"): Promise<Hold> {
  operations += 1;
  const operation = `test:${operations}`;
  return product.ctx.transaction((tx) => reserve(tx, userId, action, operation));
}

export const settleHold = (product: TestApp, { id }: { id: string }): Promise<boolean> =>
  product.ctx.transaction((tx) => settle(tx, id));

export const releaseHold = (product: TestApp, { id }: { id: string }): Promise<boolean> =>
  product.ctx.transaction((tx) => release(tx, id));

/** The refusal that `work` ends with. Fails the test when there is none; any other error passes through. */
export async function refusalOf(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Refusal) return error;
  if (error !== null) throw error;
  throw new Error("there was no refusal");
}

/** How many of the promises were kept, and the codes of the refusals of the others. */
export async function tally(works: readonly Promise<unknown>[]): Promise<{ accepted: number; refused: string[] }> {
  const results = await Promise.allSettled(works);
  const refused = results.flatMap((result) => {
    if (result.status === "fulfilled") return [];
    if (result.reason instanceof Refusal) return [result.reason.code];
    throw result.reason;
  });
  return { accepted: results.length - refused.length, refused };
}

export interface Numbers {
  balance: number;
  reserved: number;
  used: number;
}

/** The person's own numbers, read past the product. */
export async function numbersOf(product: TestApp, userId: string): Promise<Numbers> {
  return oneRow(
    product,
    sql`select balance_credits as balance, reserved_credits as reserved, freemium_actions_used as used
        from users where id = ${userId}`,
  );
}

/** One row of numbers, by plain SQL. */
export async function oneRow<Row extends object = Record<string, number>>(
  product: TestApp,
  statement: ReturnType<typeof sql>,
): Promise<Row> {
  const [row] = await product.open.database.raw(statement);
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)])) as Row;
}

/** What must hold for a person at every commit, recomputed by SQL that the product does not use. */
export async function expectSound(product: TestApp, userId: string): Promise<void> {
  const numbers = await oneRow(
    product,
    sql`select u.balance_credits as balance, u.reserved_credits as reserved,
      (select coalesce(sum(balance_delta), 0) from credit_entries where user_id = u.id) as entries_balance,
      (select coalesce(sum(reserved_delta), 0) from credit_entries where user_id = u.id) as entries_reserved,
      (select coalesce(sum(credits_left), 0) from credit_grants where user_id = u.id) as left_in_grants,
      (select coalesce(sum(credits), 0) from credit_holds where user_id = u.id and state = 'held') as open_holds,
      (select count(*) from credit_entries where user_id = u.id
        and balance_delta + reserved_delta + counter_delta <> 0) as unbalanced,
      (select count(*) from credit_holds h where h.user_id = u.id and
        (select count(*) from credit_entries e where e.hold_id = h.id and e.kind = 'hold') <> 1) as badly_begun,
      (select count(*) from credit_holds h where h.user_id = u.id and
        (select count(*) from credit_entries e where e.hold_id = h.id and e.kind in ('settle', 'release'))
          <> (case when h.state = 'held' then 0 else 1 end)) as badly_ended
      from users u where u.id = ${userId}`,
  );
  expect(numbers).toEqual({
    ...numbers,
    entries_balance: numbers.balance ?? -1,
    left_in_grants: numbers.balance ?? -1,
    entries_reserved: numbers.reserved ?? -1,
    open_holds: numbers.reserved ?? -1,
    unbalanced: 0,
    badly_begun: 0,
    badly_ended: 0,
  });
  expect(Math.min(numbers.balance ?? -1, numbers.reserved ?? -1)).toBeGreaterThanOrEqual(0);
}

/** The kinds of a person's entries in their order. */
export async function entryKinds(product: TestApp, userId: string): Promise<string[]> {
  const rows = await product.open.database.raw(
    sql`select kind from credit_entries where user_id = ${userId} order by id`,
  );
  return rows.map((row) => String(row.kind));
}

/** What `make` gives for 0, 1, ... `count` - 1. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
