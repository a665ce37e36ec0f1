import { sql } from "drizzle-orm";
import { reconcile } from "../../src/features/billing/index.ts";
import { after, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { retryParkedJobs } from "../../src/platform/queue/inspect.ts";
import type { Play } from "./play.ts";
import { enqueueRecurring, moveClock, nextDue } from "./steps-of-time.ts";

const ROUNDS_MAX = 60;
const RUNS_MAX = 400;
/** Nothing that is open waits for longer than this for the next look at it. */
const PAUSE_MS_MAX = HOUR_MS;

/**
 * Lets everything come to its end: no more faults, whoever stands still goes on, leases run out, an operator runs again what
 * was set aside, time goes on as long as something is open, and at last the owner reconciles and cleanup runs.
 */
export async function comeToRest(play: Play, isWrong: () => Promise<boolean>): Promise<string> {
  const { world } = play;
  world.faults.clear();
  while (play.paused.length > 0) await play.resume(0);
  await play.freeLeases();
  await retryParkedJobs(world.ctx);
  let rounds = await finishWhatIsOpen(play);
  // A payment that was made late at the provider can be paid for an hour, and is no more asked about after three days.
  moveClock(play, after(world.clock.now(), 2 * HOUR_MS));
  await reconcile(world.ctx);
  await enqueueRecurring(play, "privacy.clean_up");
  // What only the reconciliation found leads to more: a receipt to annul, a message, an account to close.
  rounds += await finishWhatIsOpen(play);
  await isWrong();
  return `at rest after ${rounds} rounds, ${world.clock.now().toISOString()}`;
}

async function finishWhatIsOpen(play: Play): Promise<number> {
  for (let rounds = 1; rounds < ROUNDS_MAX; rounds += 1) {
    await doWhatIsDue(play);
    const open = await openThings(play);
    if (open.length === 0 || play.violations.length > 0) return rounds;
    await moveToNext(play);
    for (const kind of open) await enqueueRecurring(play, kind);
  }
  return ROUNDS_MAX;
}

async function doWhatIsDue(play: Play): Promise<void> {
  for (let run = 0; run < RUNS_MAX; run += 1) if ((await play.work(null)) === null) return;
  play.violations.push("the queue does not come to rest");
}

/** What is still open, as the recurring jobs that look after it; `jobs` where only the queue does. */
async function openThings({ world }: Play): Promise<string[]> {
  const rows = await world.ctx.db.select({ kind: sql<string>`kind` }).from(
    sql.raw(`(
        select 'payments.sweep' as kind where exists (select 1 from payments where next_check_at is not null)
          or exists (select 1 from refunds where status = 'pending')
        union all select 'generations.fail_overdue'
          where exists (select 1 from generations where status in ('queued', 'submitting', 'running', 'finishing'))
        union all select 'editing.fail_overdue' where exists (select 1 from chat_turns where state in ('queued', 'running'))
        ${world.conditions.taxService ? `union all select 'tax.file' where exists (select 1 from tax_entries where state in ('ready', 'unknown') or annul_due)` : ""}
        union all select 'queue.sort_unknown_kinds' where exists (select 1 from jobs where kind not like 'outbox.%' and kind <> 'owner.alert')
      ) as open`),
  );
  return rows.map(({ kind }) => kind);
}

/** To the next moment at which somebody looks. */
async function moveToNext(play: Play): Promise<void> {
  const { world } = play;
  const now = world.clock.now();
  const rows = await world.database.raw(
    "select min(at) as at from (select min(next_check_at) as at from payments union all select min(next_check_at) from refunds)",
  );
  const looks = [rows[0]?.at, (await nextDue(play))?.getTime()].filter((at) => at !== null && at !== undefined);
  const next = Math.min(...looks.map(Number), now.getTime() + PAUSE_MS_MAX);
  moveClock(play, new Date(Math.max(next, after(now, MINUTE_MS).getTime())));
}
