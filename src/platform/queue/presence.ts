import { and, eq, sql } from "drizzle-orm";
import { buildInfo } from "../../build/build-info.ts";
import { newId } from "../ids.ts";
import type { LeasedJob } from "./claim.ts";
import { freeLeases, processIdentity, type RescueNeeds } from "./rescue.ts";
import { jobs, workers } from "./tables.ts";

/** Signs a worker in; returns its id. */
export async function signIn(needs: RescueNeeds, kinds: string[]): Promise<string> {
  const workerId = newId();
  await register(needs, workerId, kinds);
  return workerId;
}

/** Says that the worker lives. One that was taken for dead (its row is gone) signs in again under the same id. */
export async function beat(needs: RescueNeeds, workerId: string, kinds: string[]): Promise<void> {
  const written = await needs.db
    .update(workers)
    .set({ heartbeatAt: needs.clock.now() })
    .where(eq(workers.id, workerId))
    .returning({ id: workers.id });
  if (written.length === 0) await register(needs, workerId, kinds);
}

/**
 * Makes ready what the database says this worker holds and what it does not know of: the answer to a claim was lost, or
 * the end of a job could not be written. The worker lives, so nobody else would ever free them. Must not run beside a
 * claim of the same worker.
 */
export async function freeForgotten(
  needs: RescueNeeds,
  workerId: string,
  inHand: ReadonlyMap<string, LeasedJob>,
): Promise<void> {
  const held = await needs.db
    .select({ id: jobs.id, lease: jobs.lease })
    .from(jobs)
    .where(and(eq(jobs.workerId, workerId), sql`${jobs.state} = 'leased'`));
  const forgotten = held.filter((job) => inHand.get(job.id)?.lease !== job.lease).map((job) => job.id);
  if (forgotten.length > 0) await freeLeases(needs, workerId, forgotten);
}

/** Signs the worker out. What is still in hand goes back untouched: a stop is not a failure. */
export async function signOut(needs: RescueNeeds, workerId: string): Promise<void> {
  await needs.transaction(async (inner) => {
    await inner.db
      .update(jobs)
      .set({ state: "ready", lease: null, workerId: null, updatedAt: inner.clock.now() })
      .where(and(eq(jobs.workerId, workerId), sql`${jobs.state} = 'leased'`));
    await inner.db.delete(workers).where(eq(workers.id, workerId));
  });
}

async function register(needs: RescueNeeds, workerId: string, kinds: string[]): Promise<void> {
  const now = needs.clock.now();
  await needs.db
    .insert(workers)
    .values({ id: workerId, ...processIdentity(), kinds, version: programVersion(), startedAt: now, heartbeatAt: now })
    .onConflictDoNothing();
}

/** As the rows of workers name it. */
export function programVersion(): string {
  return `${buildInfo.version} (${buildInfo.commit})`;
}
