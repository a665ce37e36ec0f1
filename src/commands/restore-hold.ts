import type { BackupHeader } from "../platform/backup/format.ts";
import type { BulkSession, StoredValue } from "../platform/db/bulk.ts";
import { newId } from "../platform/ids.ts";
import { schedule } from "../schedule.ts";

/**
 * What a restored server does by itself would be done as of the moment of the snapshot: cards charged for periods that were
 * paid since, sales registered that were registered since, messages and broadcasts sent that arrived long ago, pictures deleted that only
 * the restored rows do not know. So nothing of that happens until an operator has looked.
 *
 *   jobs          parked, but for recurring ones, which know nothing of the past
 *   schedules     those of HELD_KINDS stand in the queue as parked jobs, so that no slot brings another
 *   messages      those that waited may have arrived since: `unknown`, which is never sent again
 *   processes     the workers and sockets of the old server are forgotten
 */
const HELD_KINDS: ReadonlySet<string> = new Set([
  "subscriptions.keep",
  "tax.file",
  "broadcasts.sweep",
  "privacy.clean_up",
]);
export const HOLD_REASON = "restored from a backup: look first";
const BACKGROUND_PRIORITY = 30n;
const MESSAGES_MAY_HAVE_ARRIVED = `update outbox_messages
  set state = 'unknown', reason = 'restored', sender_job = null, sender_lease = null where state in ('waiting', 'sending')`;

/** Puts it all on hold, in the restore's own transaction. */
export async function holdBack(session: BulkSession, header: BackupHeader, now: Date): Promise<void> {
  const held = schedule.filter(({ kind }) => HELD_KINDS.has(kind));
  const free = schedule
    .filter(({ kind }) => !HELD_KINDS.has(kind))
    .map(({ name }) => `'${keyOf(name).replaceAll("'", "''")}'`);
  const isFree = `unique_key is not null and unique_key in (${free.join(", ")})`;
  await session.query(
    `update jobs set state = 'ready', lease = null, worker_id = null where state = 'leased' and ${isFree}`,
  );
  await session.query(
    `update jobs set state = 'parked', parked_reason = '${HOLD_REASON}', lease = null, worker_id = null
     where state <> 'parked' and not (${isFree})`,
  );
  const jobs = header.tables.find(({ name }) => name === "jobs");
  if (jobs === undefined) throw new Error("a backup without the table of jobs");
  const present = new Set((await session.query("select unique_key from jobs")).map((row) => row.unique_key));
  const missing = held.filter(({ name }) => !present.has(keyOf(name)));
  const rows = missing.map(({ name, kind }) => {
    const values = parkedJob(kind, keyOf(name), BigInt(now.getTime()));
    return jobs.columns.map((column) => values[column.name] ?? null);
  });
  if (rows.length > 0) await session.insert(jobs, rows);
  // The backup of an older program may lack some of these.
  const has = (table: string) => header.tables.some(({ name }) => name === table);
  if (has("outbox_messages")) await session.query(MESSAGES_MAY_HAVE_ARRIVED);
  for (const table of ["workers", "live_connections", "live_hosts"].filter(has)) {
    await session.query(`delete from ${table}`);
  }
}

const keyOf = (name: string) => `schedule:${name}`;

function parkedJob(kind: string, key: string, now: bigint): Record<string, StoredValue> {
  return {
    id: newId(),
    kind,
    payload: "{}",
    state: "parked",
    priority: BACKGROUND_PRIORITY,
    turn: 0n,
    run_at: now,
    claims: 0n,
    failures: 0n,
    unique_key: key,
    parked_reason: HOLD_REASON,
    created_at: now,
    updated_at: now,
  };
}
