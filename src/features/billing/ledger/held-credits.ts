import { inArray, type SQLWrapper, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { creditHolds } from "../tables.ts";

/** Ids of holds that are read at most: a number for a chart must not cost more with every job that waits. */
export const HOLDS_READ_MAX = 10_000;

/**
 * Credits set aside under the holds that `holdIds`, a query of one column with a limit, finds. Unfinished work finds its
 * holds: ended ones are many, and no index leaves them out.
 */
export async function creditsHeldUnder({ db }: Pick<Context, "db">, holdIds: SQLWrapper): Promise<number> {
  const [row] = await db
    .select({ credits: sql`coalesce(sum(${creditHolds.credits}), 0)`.mapWith(Number) })
    .from(creditHolds)
    .where(inArray(creditHolds.id, holdIds));
  return row?.credits ?? 0;
}
