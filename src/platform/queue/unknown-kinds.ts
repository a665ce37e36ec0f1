import { and, eq, lt, sql } from "drizzle-orm";
import { after, type Clock, MINUTE_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import type { Log } from "../telemetry/log.ts";
import { jobs, workers } from "./tables.ts";

/** A newer version may be about to start and know the kind. */
const UNKNOWN_KIND_PATIENCE_MS = 10 * MINUTE_MS;
/** The words in `parked_reason` by which such jobs are found again. */
export const UNKNOWN_KIND = "unknown job kind";

interface Needs {
  db: Queries;
  clock: Clock;
  log: Log;
}

/**
 * Workers take only kinds that they know, so an older one leaves the jobs of a newer one alone. What no worker at all
 * has known for a while is parked, visible to operators, and never dropped; it comes back by itself as soon as a worker
 * that knows the kind signs in.
 */
export async function sortUnknownKinds(needs: Needs): Promise<{ parked: number; revived: number }> {
  const present = await needs.db.select({ kinds: workers.kinds }).from(workers);
  const known = [...new Set(present.flatMap((worker) => worker.kinds))];
  if (known.length === 0) return { parked: 0, revived: 0 };
  const now = needs.clock.now();
  const isKnown = sql`${jobs.kind} in (${sql.join(
    known.map((kind) => sql`${kind}`),
    sql`, `,
  )})`;
  const parked = await needs.db
    .update(jobs)
    .set({ state: "parked", parkedReason: UNKNOWN_KIND, updatedAt: now })
    .where(and(sql`${jobs.state} = 'ready' and not ${isKnown}`, lt(jobs.runAt, after(now, -UNKNOWN_KIND_PATIENCE_MS))))
    .returning({ id: jobs.id, kind: jobs.kind });
  const revived = await needs.db
    .update(jobs)
    .set({ state: "ready", parkedReason: null, runAt: now, updatedAt: now })
    .where(and(sql`${jobs.state} = 'parked' and ${isKnown}`, eq(jobs.parkedReason, UNKNOWN_KIND)))
    .returning({ id: jobs.id });
  if (parked.length > 0) needs.log.error("jobs of unknown kinds were parked", { jobs: parked.slice(0, 20) });
  if (revived.length > 0) needs.log.info("jobs of kinds that are known again were taken up", { jobs: revived.length });
  return { parked: parked.length, revived: revived.length };
}
