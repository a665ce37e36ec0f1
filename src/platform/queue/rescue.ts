import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { and, eq, inArray, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import type { Log } from "../telemetry/log.ts";
import { jobs, workers } from "./tables.ts";

/** How often a worker says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** A worker that was silent for this long has lost its leases. */
export const LEASE_MS = 25_000;
/** A job whose worker died this often is taken for the cause and parked. */
export const LOST_RUNS_MAX = 10;

export interface RescueNeeds {
  db: Queries;
  clock: Clock;
  log: Log;
  transaction<T>(work: (inner: { db: Queries; clock: Clock }) => Promise<T>): Promise<T>;
}

/** Who this process is, seen from another process of the same machine. */
export function processIdentity(): { hostname: string; processId: number; processStart: string } {
  return { hostname: machineName(), processId: process.pid, processStart: startOf(process.pid) ?? "" };
}

/** Whether that was a process of this machine which no longer exists; of another machine's nothing can be said. */
export function isGone(process: { hostname: string; processId: number; processStart: string }): boolean {
  return process.hostname === machineName() && startOf(process.processId) !== process.processStart;
}

/**
 * Frees the leases of workers of this very machine whose process no longer exists, so that a restart after a crash goes
 * on at once instead of after the lease time. Returns the number of jobs freed.
 */
export async function rescueDeadNeighbours(needs: RescueNeeds): Promise<number> {
  const neighbours = await needs.db.select().from(workers).where(eq(workers.hostname, machineName()));
  let freed = 0;
  for (const worker of neighbours) {
    if (isGone(worker)) freed += await freeWorker(needs, worker.id);
  }
  return freed;
}

/**
 * Watches heartbeats. A worker is dead when its heartbeat has not *changed* for `LEASE_MS` of this process's own
 * monotonic time, so a clock that jumps, here or there, ends no lease early.
 */
export function createRescue(monotonicMs: () => number = () => performance.now()) {
  const seen = new Map<string, { heartbeat: number; sinceMs: number }>();

  /** One look at all workers; returns the number of jobs freed. */
  return async function rescueSilentWorkers(needs: RescueNeeds): Promise<number> {
    const nowMs = monotonicMs();
    const present = [
      ...(await needs.db.select({ id: workers.id, heartbeatAt: workers.heartbeatAt }).from(workers)),
      ...(await strangers(needs)),
    ];
    let freed = 0;
    for (const worker of present) {
      const heartbeat = worker.heartbeatAt.getTime();
      const last = seen.get(worker.id);
      if (last?.heartbeat !== heartbeat) seen.set(worker.id, { heartbeat, sinceMs: nowMs });
      else if (nowMs - last.sinceMs >= LEASE_MS) {
        freed += await freeWorker(needs, worker.id);
        seen.delete(worker.id);
      }
    }
    const ids = new Set(present.map((worker) => worker.id));
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    return freed;
  };
}

/**
 * Workers that hold jobs and stand nowhere: taken for dead while they lived, they claimed once more and then died before
 * signing in again. Their heartbeat never changes, so their leases run out like any other.
 */
async function strangers(needs: Pick<RescueNeeds, "db">): Promise<Array<{ id: string; heartbeatAt: Date }>> {
  const rows = await needs.db
    .selectDistinct({ id: jobs.workerId })
    .from(jobs)
    .where(sql`${jobs.state} = 'leased' and ${jobs.workerId} not in (select ${workers.id} from ${workers})`);
  return rows.flatMap(({ id }) => (id === null ? [] : [{ id, heartbeatAt: new Date(0) }]));
}

/** Takes everything from a worker and forgets it. If it still lives, its later writes meet the fence. */
export async function freeWorker(needs: RescueNeeds, workerId: string): Promise<number> {
  return needs.transaction(async (inner) => {
    const freed = await freeLeases({ ...inner, log: needs.log }, workerId);
    await inner.db.delete(workers).where(eq(workers.id, workerId));
    return freed;
  });
}

/**
 * Makes what the worker holds ready again and counts it as a failed run; what was lost too often is parked, because it
 * may be what kills its workers. `only` names some jobs instead of all. Returns the number of jobs made ready.
 */
export async function freeLeases(
  needs: Pick<RescueNeeds, "db" | "clock" | "log">,
  workerId: string,
  only?: readonly string[],
): Promise<number> {
  const now = needs.clock.now();
  const held = and(
    eq(jobs.workerId, workerId),
    sql`${jobs.state} = 'leased'`,
    only ? inArray(jobs.id, [...only]) : undefined,
  );
  const parked = await needs.db
    .update(jobs)
    .set({ state: "parked", lease: null, workerId: null, parkedReason: "its worker died each time", updatedAt: now })
    .where(and(held, sql`${jobs.failures} >= ${LOST_RUNS_MAX}`))
    .returning({ id: jobs.id, kind: jobs.kind });
  const freed = await needs.db
    .update(jobs)
    .set({ state: "ready", lease: null, workerId: null, failures: sql`${jobs.failures} + 1`, updatedAt: now })
    .where(held)
    .returning({ id: jobs.id });
  if (parked.length > 0) needs.log.error("jobs parked: their worker died each time", { jobs: parked });
  if (freed.length > 0) needs.log.warn("leases freed", { workerId, jobs: freed.length });
  return freed.length;
}

/**
 * The host, its system's id and its process namespace: two machines may share a host name, as may two containers of
 * one machine, and then say nothing of each other's processes.
 */
function machineName(): string {
  const system = tryRead(() => readFileSync("/etc/machine-id", "utf8").trim());
  const namespace = tryRead(() => readlinkSync("/proc/self/ns/pid"));
  return [hostname(), system, namespace].filter((part) => part !== "").join("/");
}

function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** When the process with this id started, in clock ticks since boot with the boot's id; null when there is none. */
function startOf(processId: number): string | null {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A killed process whose parent has not collected it yet is dead all the same.
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19]}`;
  } catch {
    return isAlive(processId) ? "unknown" : null;
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
