import { describe, expect, test } from "bun:test";
import { asc, sql } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import type { LiveEvent } from "../../src/platform/live/events.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { lane } from "../support/database.ts";
import { isUnbroken, tasksByGeneration, violations } from "../support/invariants.ts";
import { type Deployment, deploy, freePort } from "../support/processes.ts";
import { type LiveSocket, type RemotePerson, signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

const isPostgres = lane === "postgres";
const SLOT_SECONDS = 10;

/** Asks for events again and again until one ends a generation, as a client without sockets does. */
async function longPolled(person: RemotePerson): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  while (!events.some((event) => event.type === "generation.succeeded")) {
    const since = events.at(-1)?.n ?? 0;
    const page = await person.answer<{ events: LiveEvent[]; last_event: number }>(
      200,
      `/live/events?since=${since}&wait=10`,
    );
    events.push(...page.events);
  }
  return events;
}

/** Follows one fitting over a socket that is cut in the middle; gives every event that came over both connections. */
async function fittingOverCutSocket(person: RemotePerson): Promise<{ events: LiveEvent[]; delaysMs: number[] }> {
  const first = await person.listen(0);
  const polled = longPolled(person);
  const generation = await person.ordered();
  await until(() => first.events.some(({ type }) => type === "generation.started"), "it has started");
  first.cut();
  const seen = first.events.at(-1)?.n ?? 0;
  const second = await person.listen(seen);
  expect(second.hello.active.map(({ id }) => id)).toEqual([generation.id]);
  await until(() => second.events.some(({ type }) => type === "generation.succeeded"), "the end is told");
  const events = [...first.events, ...second.events];
  expect(await polled).toEqual(events);
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["generation.queued", "generation.started", "generation.succeeded"]),
  );
  second.cut();
  return { events, delaysMs: [...delaysOf(first), ...delaysOf(second)] };
}

function delaysOf(socket: LiveSocket): number[] {
  return socket.events.map((event, place) => (socket.arrivals[place] ?? 0) - Date.parse(event.at));
}

function expectUnbroken(events: readonly LiveEvent[]): void {
  const numbers = events.map(({ n }) => n);
  expect(isUnbroken(numbers, numbers.length) ? "unbroken" : numbers).toBe("unbroken");
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Lets the database itself write down each job that is put into the queue. */
async function watchQueue(deployment: Deployment): Promise<void> {
  await deployment.inside(async (_, database) => {
    await database.raw("create table seen_jobs (unique_key text, at timestamptz not null default clock_timestamp())");
    await database.raw(`create function note_job() returns trigger language plpgsql as
      $$ begin insert into seen_jobs (unique_key) values (new.unique_key); return new; end $$`);
    await database.raw("create trigger note_job after insert on jobs for each row execute function note_job()");
  });
}

/** Orders `count` try-ons for each person, all at once. */
async function orderAll(people: readonly RemotePerson[], count: number): Promise<string[]> {
  const orders = people.flatMap((person) => Array.from({ length: count }, () => person.ordered()));
  return (await Promise.all(orders)).map(({ id }) => id);
}

describe.skipIf(!isPostgres)(
  `api, workers and schedulers as processes of their own${isPostgres ? "" : " (needs Postgres: with SQLite one process does everything)"}`,
  () => {
    test("T8 events of another process arrive in order and without gaps, also after the socket was cut", async () => {
      const deployment = await deploy({ kie: { taskMs: 1_500 } });
      await Promise.all([deployment.start("api"), deployment.start("worker"), deployment.start("scheduler")]);
      const person = await signInAt(deployment.url);
      await person.photos();
      const { events, delaysMs } = await fittingOverCutSocket(person);
      expectUnbroken(events);
      // Without the wake-up from the other process, events would wait for the poll of several seconds.
      expect(median(delaysMs)).toBeLessThan(within(1_000, 2_500));
      expect(await deployment.inside((ctx) => violations(ctx, deployment.kie))).toEqual([]);
      await deployment.close();
    }, 60_000);

    test("J1 twenty fittings of five people, two workers, two schedulers: one create each, paid before free, no gap", async () => {
      const deployment = await deploy({ settings: { WORKER_CONCURRENCY: "2" } });
      await watchQueue(deployment);
      await Promise.all([deployment.start("scheduler"), deployment.start("scheduler")]);

      const forFree = await deployment.start("api", { FREE_ACTIONS_PER_MONTH: "4" });
      const people = await Promise.all(Array.from({ length: 5 }, () => signInAt(deployment.url)));
      await Promise.all(people.map((person) => person.photos()));
      await orderAll(people.slice(0, 2), 4);
      await forFree.end("SIGTERM");
      await deployment.start("api", { FREE_ACTIONS_PER_MONTH: "0" });
      const payers = people.slice(2);
      await deployment.inside(async (ctx) => {
        for (const { id } of payers) await grantCredits(ctx, { userId: id, kind: "gift", credits: 8, source: id });
      });
      const paid = new Set(await orderAll(payers, 4));

      const sockets = await Promise.all(people.map((person) => person.listen(0)));
      await Promise.all([deployment.start("worker"), deployment.start("worker")]);
      const isEnd = ({ type }: LiveEvent) => type === "generation.succeeded";
      await until(() => sockets.every(({ events }) => events.filter(isEnd).length === 4), "all ends are told", 40_000);
      for (const socket of sockets) expectUnbroken(socket.events);

      await deployment.inside(async (ctx) => {
        expect(await violations(ctx, deployment.kie)).toEqual([]);
        const ended = await ctx.db.select().from(generations).orderBy(asc(generations.id));
        expect(ended.map(({ status }) => status)).toEqual(Array(20).fill("succeeded"));
        const createdInOrder = [...(await tasksByGeneration(ctx, deployment.kie)).keys()];
        const paidAmongFirst = createdInOrder.slice(0, paid.size).filter((id) => paid.has(id)).length;
        expect(paidAmongFirst).toBeGreaterThanOrEqual(paid.size - 2);
      });
      expect(deployment.kie.stats().creates).toEqual({ accepted: 20, refused: {}, disturbed: {} });
      await expectEachSlotOnce(deployment);
      await deployment.close();
    }, 90_000);
  },
);

/** Two schedulers have run side by side for some slots: the counter and the database's own notes say once for each. */
async function expectEachSlotOnce(deployment: Deployment): Promise<void> {
  await deployment.inside(async (ctx, database) => {
    const overdue = async () => {
      const rows = await ctx.db.select().from(schedules).where(sql`${schedules.name} = 'fail overdue generations'`);
      return rows[0];
    };
    await until(async () => ((await overdue())?.runs ?? 0) >= 3, "three slots have passed", 40_000);
    const row = await overdue();
    const seen = await database.raw(
      `select floor(extract(epoch from at) / ${SLOT_SECONDS})::bigint as slot, count(*)::int as jobs from seen_jobs
       where unique_key = 'schedule:fail overdue generations' group by 1 order by 1`,
    );
    expect(seen.map(({ jobs }) => jobs)).toEqual(Array(seen.length).fill(1));
    const lastSlot = (row?.lastSlot.getTime() ?? 0) / 1_000 / SLOT_SECONDS;
    expect(row?.runs).toBe(lastSlot - Number(seen[0]?.slot) + 1);
    const others = await ctx.db.select().from(schedules).where(sql`${schedules.name} = 'verify the ledger'`);
    expect(others.map(({ runs }) => runs)).toEqual([1]);
  });
}

describe.skipIf(isPostgres)(
  `one process with SQLite${isPostgres ? " (the other lane's subject: Postgres may have many processes)" : ""}`,
  () => {
    test("T8 does everything; events arrive in order and without gaps, also after the socket was cut", async () => {
      const deployment = await deploy({ kie: { taskMs: 1_500 } });
      await deployment.start("all");
      const person = await signInAt(deployment.url);
      await person.photos();
      expectUnbroken((await fittingOverCutSocket(person)).events);
      expect(await deployment.inside((ctx) => violations(ctx, deployment.kie))).toEqual([]);
      await deployment.close();
    }, 60_000);

    test("F17 a role of its own is refused with a sentence", async () => {
      const deployment = await deploy();
      for (const role of ["api", "worker", "scheduler"]) {
        const { code, stderr } = await deployment.run(["serve", "--role", role]);
        expect(code).toBe(2);
        expect(stderr).toBe(
          `atelier: A separate --role ${role} needs Postgres: set DATABASE_URL=postgres://... With SQLite one process does everything: atelier serve\n`,
        );
      }
      await deployment.close();
    }, 60_000);

    test("F17 a second server on the data folder is refused with a sentence, and the first one works on", async () => {
      const deployment = await deploy();
      await deployment.start("all");
      const { code, stderr } = await deployment.run(["serve"], { PORT: String(await freePort()) });
      expect(code).toBe(2);
      expect(stderr).toStartWith(
        `atelier: Another atelier server already holds the data folder ${deployment.database.dataFolder}. Stop it first`,
      );
      const person = await signInAt(deployment.url);
      expect(await person.ended((await person.ordered()).id)).toMatchObject({ status: "succeeded" });
      await deployment.close();
    }, 60_000);
  },
);

test("F17 a second server on the port is refused with a sentence and takes no job on the way", async () => {
  const deployment = await deploy();
  const other = isPostgres ? deployment : await deploy();
  await deployment.start(isPostgres ? "api" : "all");
  const port = new URL(deployment.url).port;
  const { code, stderr } = await other.run(["serve"], { PORT: port });
  expect(code).toBe(2);
  expect(stderr).toContain(`Port ${port} is taken by another program. Stop it, or choose another: --port 3001`);
  expect(stderr).not.toContain("worker started");
  await other.close();
  await deployment.close();
}, 60_000);
