import { getTableColumns } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { users } from "../../profile/index.ts";
import { idMaker, seededRandom } from "./made-up-numbers.ts";
import { makePerson } from "./made-up-person.ts";
import { noRows, type Rows, SEEDED_TABLES } from "./made-up-rows.ts";

export interface SeedOrder {
  people: number;
  payments: number;
  generations: number;
  /** Questions to the assistant. */
  turns: number;
  /** How many days back the history goes. */
  days: number;
  /** The same number makes the same people. */
  seed: number;
}

/** Both databases take about twice as many values in one statement. */
const VALUES_MAX = 15_000;
/** People whose rows are written in one transaction. */
const PEOPLE_A_TRANSACTION = 500;
/** Of ten people one does as much as eleven of the others. */
const HEAVY_EVERY = 10;
const HEAVY_WEIGHT = 11;

/**
 * Fills an empty database with made-up people, their payments, pictures and conversations, for measurements. The ledger adds up; no file
 * stands behind a picture, nothing was ever paid, and the bot may write to none of them. Throws an `OperatorError` where
 * anybody is stored already, so that nothing real is ever mixed with it.
 */
export async function seed(
  ctx: Pick<Context, "db" | "transaction" | "clock" | "catalogue">,
  order: SeedOrder,
  progress: (people: number) => void = () => {},
): Promise<void> {
  const [anybody] = await ctx.db.select({ id: users.id }).from(users).limit(1);
  if (anybody) throw new OperatorError("There are people in this database. Made-up ones go into an empty one only.");
  const random = seededRandom(order.seed);
  const maker = { random, idAt: idMaker(random), now: ctx.clock.now(), days: order.days, catalogue: ctx.catalogue };
  const quota = (total: number, number: number) =>
    Math.floor((total * weightUpTo(number + 1)) / weightUpTo(order.people)) -
    Math.floor((total * weightUpTo(number)) / weightUpTo(order.people));
  for (let first = 0; first < order.people; first += PEOPLE_A_TRANSACTION) {
    const rows = noRows();
    const end = Math.min(order.people, first + PEOPLE_A_TRANSACTION);
    for (let number = first; number < end; number += 1) {
      const own = noRows();
      makePerson(own, maker, number, {
        payments: quota(order.payments, number),
        pictures: quota(order.generations, number),
        turns: quota(order.turns, number),
      });
      for (const name of Object.keys(rows) as (keyof Rows)[]) (rows[name] as unknown[]).push(...own[name]);
    }
    await ctx.transaction((tx) => writeRows(tx, rows));
    progress(end);
  }
}

async function writeRows(tx: Pick<Context, "db">, rows: Rows): Promise<void> {
  for (const name of Object.keys(SEEDED_TABLES) as (keyof Rows)[]) {
    const table = SEEDED_TABLES[name];
    const size = Math.floor(VALUES_MAX / Object.keys(getTableColumns(table)).length);
    const all = rows[name];
    for (let from = 0; from < all.length; from += size) {
      await tx.db.insert(table).values(all.slice(from, from + size) as never);
    }
  }
}

/** What people up to this one weigh together. */
function weightUpTo(number: number): number {
  const heavy = Math.ceil(number / HEAVY_EVERY);
  return heavy * HEAVY_WEIGHT + (number - heavy);
}
