import { type SQL, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { dialect } from "../db/dialect.ts";
import { unsynced } from "../db/unsynced.ts";
import { newId } from "../ids.ts";
import { jobs } from "./tables.ts";

/**
 * How a job is taken, held and given back.
 *
 *   claim:    the best ready jobs of known kinds become `leased`, with one new lease id for the batch
 *   hold:     the lease belongs to a worker, whose one heartbeat keeps all of its leases (rescue.ts)
 *   fence:    every later write names the lease; a job that was taken over in the meantime has another one,
 *             so a worker that slept through its lease changes nothing
 *   complete: rows of finished jobs are deleted, many in one statement
 *
 * The statements are the same in both dialects but for `for update skip locked`, which lets several Postgres workers
 * pass each other's rows, and for how a list of ids is handed over as one value, so that the text stays constant and
 * the statement prepared.
 */
export interface QueueNeeds {
  db: Queries;
  clock: Clock;
}

export type JobRow = typeof jobs.$inferSelect;
/** A job in a worker's hands. */
export type LeasedJob = JobRow & { lease: string };

/** Takes up to `limit` jobs of `kinds` for `workerId`, best first. */
export async function claim(
  needs: QueueNeeds,
  workerId: string,
  kinds: readonly string[],
  limit: number,
): Promise<LeasedJob[]> {
  const lease = newId();
  const query = preparedFor(needs.db, `claim ${kinds}`, () => prepareClaim(needs.db, kinds));
  const rows = await query.execute({ now: needs.clock.now(), lease, workerId, limit });
  const leased = rows.map((row) => ({ ...row, lease }));
  return leased.sort(
    (a, b) =>
      a.priority - b.priority ||
      a.turn - b.turn ||
      a.runAt.getTime() - b.runAt.getTime() ||
      (a.id < b.id ? -1 : Number(a.id > b.id)),
  );
}

function prepareClaim(db: Queries, kinds: readonly string[]) {
  const now = sql.param(sql.placeholder("now"), jobs.runAt);
  // Literals rather than parameters: both planners use the partial index only when they can see the condition.
  const claimable = sql`${jobs.state} = 'ready' and ${jobs.runAt} <= ${now} and ${jobs.kind} in (${literals(kinds)})`;
  const best = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(claimable)
    .orderBy(jobs.priority, jobs.turn, jobs.runAt, jobs.id)
    .limit(sql.placeholder("limit"));
  const picked = db.$with("picked").as(dialect === "postgres" ? best.for("update", { skipLocked: true }) : best);
  return db
    .with(picked)
    .update(jobs)
    .set({
      state: "leased",
      lease: sql`${sql.param(sql.placeholder("lease"), jobs.lease)}`,
      workerId: sql`${sql.param(sql.placeholder("workerId"), jobs.workerId)}`,
      claims: sql`${jobs.claims} + 1`,
      updatedAt: sql`${sql.param(sql.placeholder("now"), jobs.updatedAt)}`,
    })
    .where(sql`${isPicked(sql`select ${sql.identifier("id")} from ${picked}`)}${withoutSync()}`)
    .returning()
    .prepare("claim");
}

/**
 * Putting the text of a claim together takes twice the time of all the rest that this process does for it: each statement is
 * built once for each handle of the database and, as the kinds are part of it, for each worker's kinds.
 */
const prepared = new WeakMap<Queries, Map<string, unknown>>();

function preparedFor<Query>(db: Queries, name: string, build: () => Query): Query {
  const own = prepared.get(db) ?? new Map<string, unknown>();
  prepared.set(db, own);
  const query = (own.get(name) as Query | undefined) ?? build();
  own.set(name, query);
  return query;
}

/**
 * A claim does not wait until Postgres has synced it: one that a crash of the server undoes is a job that is ready again, and
 * whatever its worker writes meets the fence. What a handler commits after it is synced, and the claim with it.
 */
function withoutSync(): SQL {
  return dialect === "postgres" ? sql` and (select ${unsynced}) is not null` : sql.empty();
}

/** Deletes those of `ids` that are still held under one of `leases`. */
export async function complete(needs: QueueNeeds, ids: readonly string[], leases: readonly string[]): Promise<void> {
  const query = preparedFor(needs.db, "complete", () => prepareComplete(needs.db));
  await query.execute({ ids: JSON.stringify(ids), leases: JSON.stringify(leases) });
}

function prepareComplete(db: Queries) {
  const held = sql`${isOneOf(jobs.id, "ids")} and ${isOneOf(jobs.lease, "leases")}`;
  return db.delete(jobs).where(sql`${jobs.state} = 'leased' and ${held}`).prepare("complete");
}

/** Whether `column` is one of the ids that are bound as one value, a list in JSON. */
function isOneOf(column: typeof jobs.id | typeof jobs.lease, name: string): SQL {
  const list = sql.placeholder(name);
  return dialect === "postgres"
    ? sql`${column} = any(array(select value::uuid from jsonb_array_elements_text(${list}::text::jsonb)))`
    : sql`${column} in (select value from json_each(${list}))`;
}

/**
 * Whether the job is one of those that `picked` yields. As an array on Postgres: for a join it has to guess their number
 * once the statement is prepared, guesses a tenth of the queue and reads the whole table.
 */
function isPicked(picked: SQL): SQL {
  return dialect === "postgres" ? sql`${jobs.id} = any(array(${picked}))` : sql`${jobs.id} in (${picked})`;
}

const KIND_PATTERN = /^[a-z][a-z0-9_.-]{0,63}$/;

function literals(kinds: readonly string[]): SQL {
  for (const kind of kinds) {
    if (!KIND_PATTERN.test(kind)) throw new Error(`"${kind}" cannot be the name of a job kind`);
  }
  return sql.raw(kinds.map((kind) => `'${kind}'`).join(", "));
}
