import { eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { creditHolds } from "../billing/index.ts";
import { generations } from "./tables.ts";

/** Rows that are read at most. */
const COUNTED_MAX = 10_000;

/** Credits set aside for pictures in work. Found by the pictures: ended holds are many, and no index leaves them out. */
export async function creditsHeldByPictures({ db }: Pick<Context, "db">): Promise<number> {
  const live = db
    .select({ holdId: generations.holdId })
    .from(generations)
    .where(sql`${generations.status} in ('queued', 'submitting', 'running', 'finishing')`)
    .limit(COUNTED_MAX)
    .as("live");
  const [row] = await db
    .select({ credits: sql`coalesce(sum(${creditHolds.credits}), 0)`.mapWith(Number) })
    .from(live)
    .innerJoin(creditHolds, eq(creditHolds.id, live.holdId));
  return row?.credits ?? 0;
}
