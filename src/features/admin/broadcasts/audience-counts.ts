import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { withPatience } from "../../../platform/db/patience.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { enqueue } from "../../../platform/queue/enqueue.ts";
import { DONE, fence, type JobOutcome } from "../../../platform/queue/outcome.ts";
import { audiencesOf } from "./audience.ts";
import { audienceCounts, BROADCAST_SEGMENTS } from "./broadcast-tables.ts";

/**
 * Counting everybody takes as long as there are people, so no answer waits for it: it is read from four rows, and a job counts
 * anew when somebody asks and the count is older than a minute; pages hear when it is there. No schedule: on SQLite a count holds
 * everything else up for its time, and most days nobody asks.
 */
const FRESH_MS = MINUTE_MS;
/** Everybody is counted. */
const STATEMENT_MS_MAX = 2 * MINUTE_MS;
const JOB_KEY = "audience";

/** The audiences of all segments for the API, in the order in which they are offered, and of when they are. */
export async function audienceView(ctx: Context) {
  let rows = await ctx.db.select().from(audienceCounts);
  // Only before the very first count of a database somebody waits for it.
  if (rows.length === 0) rows = await countAudience(ctx);
  const of = new Map(rows.map((row) => [row.segment, row]));
  const at = rows[0]?.countedAt ?? ctx.clock.now();
  if (after(at, FRESH_MS) <= ctx.clock.now()) await askForCount(ctx);
  return {
    at: at.toISOString(),
    segments: BROADCAST_SEGMENTS.map((segment) => ({
      ...{ segment, people: of.get(segment)?.people ?? 0, reachable: of.get(segment)?.reachable ?? 0 },
    })),
  };
}

/** Job: counts, writes it down and tells the pages. */
export async function keepAudience(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  await withPatience(STATEMENT_MS_MAX, () => countAudience(ctx, job));
  return DONE;
}

async function countAudience(ctx: Context, job?: LeasedJob) {
  const countedAt = ctx.clock.now();
  const audiences = await audiencesOf(ctx);
  const rows = BROADCAST_SEGMENTS.map((segment) => ({ segment, ...audiences[segment], countedAt }));
  await ctx.transaction(async (tx) => {
    if (job) await fence(tx, job);
    for (const row of rows) {
      await tx.db.insert(audienceCounts).values(row).onConflictDoUpdate({ target: audienceCounts.segment, set: row });
    }
    wakePanel(tx, "broadcasts");
  });
  return rows;
}

/** An older count is an answer too: a database that takes no writes now must not keep it back. */
async function askForCount(ctx: Context): Promise<void> {
  try {
    await ctx.transaction((tx) => enqueue(tx, "audience.count", {}, { uniqueKey: JOB_KEY }));
  } catch (error) {
    ctx.log.warn("the audience cannot be counted anew now", { error });
  }
}
