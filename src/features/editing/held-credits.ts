import { eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { creditHolds } from "../billing/index.ts";
import { isUnfinished } from "./finish-turn.ts";
import { chatTurns } from "./tables.ts";

/** Rows that are read at most. */
const COUNTED_MAX = 10_000;

/** Credits set aside for chat turns in work, found by the turns. */
export async function creditsHeldByTurns({ db }: Pick<Context, "db">): Promise<number> {
  const live = db
    .select({ holdId: chatTurns.holdId })
    .from(chatTurns)
    .where(isUnfinished)
    .limit(COUNTED_MAX)
    .as("live");
  const [row] = await db
    .select({ credits: sql`coalesce(sum(${creditHolds.credits}), 0)`.mapWith(Number) })
    .from(live)
    .innerJoin(creditHolds, eq(creditHolds.id, live.holdId));
  return row?.credits ?? 0;
}
