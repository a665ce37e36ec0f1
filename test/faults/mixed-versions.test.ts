import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { ownMigrations } from "../../src/context.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { type Migration, migrate } from "../../src/platform/db/migrate.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { startChild } from "../support/child.ts";
import { lane } from "../support/database.ts";
import { violations } from "../support/invariants.ts";
import { jobRow } from "../support/jobs.ts";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";

/** What a later version may do to the schema while this one still runs: nothing that this one's statements notice. */
const LATER: Migration = {
  name: "9000_later",
  statements: [
    "alter table generations add column later_note text",
    "alter table jobs add column later_weight integer",
    "alter table users add column later_flag integer default 7",
    "create table later_things (id integer primary key)",
    "create index later_index on generations (later_note)",
  ].join(";--> statement-breakpoint\n"),
};
const ASK_PAUSE_MS = 20;

describe.skipIf(lane === "sqlite")("two versions side by side (Postgres only: SQLite has one process)", () => {
  test("F18 processes of the old version work on while the new one migrates, is killed half-way and migrates again", async () => {
    const deployment = await deploy({ kie: { taskMs: 200 } });
    await Promise.all([deployment.start("api"), deployment.start("worker")]);
    const person = await signInAt(deployment.url);
    await person.photos();
    const statuses = new Set<number>();
    let [isOver, longestMs] = [false, 0];
    const load = ["/balance", "/generations", "/profile"].map(async (path) => {
      while (!isOver) {
        const begun = performance.now();
        const response = await person.request(path);
        await response.text();
        statuses.add(response.status);
        longestMs = Math.max(longestMs, performance.now() - begun);
        await Bun.sleep(ASK_PAUSE_MS);
      }
    });
    const before = await person.ordered();

    const slow = {
      ...LATER,
      statements: `select pg_sleep(1);--> statement-breakpoint\n${LATER.statements};--> statement-breakpoint\nselect pg_sleep(30)`,
    };
    const input = { url: deployment.database.url, dataFolder: deployment.database.dataFolder };
    const newer = startChild("migrate-child.ts", { ...input, migrations: [...ownMigrations, slow] });
    await newer.hasPrinted("begins");
    // Killed while the tables that everybody uses are locked: what waited for them goes on.
    await Bun.sleep(1_800);
    newer.kill("SIGKILL");
    await newer.exited;
    await deployment.inside(async (ctx, open) => {
      const marks = async () => (await open.raw("select name from schema_migrations where name like '9%'")).length;
      expect(await marks()).toBe(0);
      // Two programs of the new version that start at once.
      const needs = { database: open, clock: systemClock, migrations: [...ownMigrations, LATER] };
      const begun = performance.now();
      const applied = await Promise.all([migrate(needs), migrate(needs)]);
      expect(applied.flat()).toEqual([LATER.name]);
      // The killed one's session would have kept its locks for half a minute.
      expect(performance.now() - begun).toBeLessThan(within(6_000, 20_000));

      const after = await person.ordered();
      for (const { id } of [before, after]) expect(await person.ended(id)).toMatchObject({ status: "succeeded" });
      // What only the new version can do is left alone until it comes.
      const future = await enqueue(ctx, "later.kind", {});
      await Bun.sleep(1_500);
      expect(await jobRow(ctx, future as string)).toMatchObject({ state: "ready", claims: 0, failures: 0 });
      await ctx.db.delete(jobs).where(eq(jobs.kind, "later.kind"));
      isOver = true;
      await Promise.all(load);
      expect(await violations(ctx, deployment.kie)).toEqual([]);
    });
    // While a table is locked a read of it waits, and a wait that is too long is a 503 to be tried again: never a fault.
    expect([...statuses].filter((status) => status !== 503)).toEqual([200]);
    expect(longestMs).toBeLessThan(within(5_000, 15_000));

    // An old process that starts now would write what the new one misreads: it says so and does not start.
    const refused = await deployment.run(["serve", "--role", "worker"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('newer version of atelier (it has the migration "9000_later"');
    await deployment.close();
  }, 120_000);
});
