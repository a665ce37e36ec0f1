import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { OUTBOX_LANES, type OutboxLane, outboxMessages } from "./tables.ts";

/** Rows that are counted at most. */
const COUNTED_MAX = 10_000;

/** Messages that wait for their turn, by lane. */
export async function waitingMessages({ db }: Pick<Context, "db">): Promise<Record<OutboxLane, number>> {
  const waiting = db
    .select({ lane: outboxMessages.lane })
    .from(outboxMessages)
    // A literal, so that both planners see that the index of what waits will do.
    .where(sql`${outboxMessages.state} = 'waiting'`)
    .limit(COUNTED_MAX)
    .as("waiting");
  const rows = await db
    .select({ lane: waiting.lane, messages: sql`count(*)`.mapWith(Number) })
    .from(waiting)
    .groupBy(waiting.lane);
  const counts = Object.fromEntries(OUTBOX_LANES.map((lane) => [lane, 0])) as Record<OutboxLane, number>;
  for (const row of rows) counts[row.lane] = row.messages;
  return counts;
}
