import { describe, expect, test } from "bun:test";
import { Cron } from "croner";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete } from "../../../src/platform/queue/claim.ts";
import { runDue, SCHEDULE_TIME_ZONE, type Schedule, startScheduler } from "../../../src/platform/queue/cron.ts";
import { giveBackFailed, park } from "../../../src/platform/queue/outcome.ts";
import { schedules } from "../../../src/platform/queue/tables.ts";
import { schedule } from "../../../src/schedule.ts";
import { allJobs, jobRow } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();
const worker = newId();

function entryOf(cron: string): { entry: Schedule; cron: Cron } {
  return { entry: { name: "nightly", cron, kind: "work" }, cron: new Cron(cron, { timezone: SCHEDULE_TIME_ZONE }) };
}

/** One look of one scheduler; returns when its next slot begins. */
async function look(cron: string, ctx = machinery().ctx): Promise<string> {
  const { entry, cron: parsed } = entryOf(cron);
  return new Date(await runDue(ctx, entry, parsed)).toISOString();
}

/** Does all jobs that stand in the queue; returns how many there were. */
async function workOff(): Promise<number> {
  const { ctx } = machinery();
  const taken = await claim(ctx, worker, ["work"], 100);
  await complete(
    ctx,
    taken.map((job) => job.id),
    taken.map((job) => job.lease),
  );
  return taken.length;
}

describe("schedulers", () => {
  test("three at once make one job for each slot, whoever comes first", async () => {
    const { ctx, clock, another } = machinery();
    const all = [ctx, (await another()).ctx, (await another()).ctx];
    clock.set("2026-11-18T09:00:00.000Z");
    for (let slot = 0; slot < 6; slot += 1) {
      for (let round = 0; round < 3; round += 1) await Promise.all(all.map((each) => look("* * * * *", each)));
      expect(await workOff()).toBe(1);
      for (const each of all) await look("* * * * *", each);
      expect(await workOff()).toBe(0);
      clock.advance(MINUTE_MS);
    }
    expect(await ctx.db.select().from(schedules)).toMatchObject([{ name: "nightly", runs: 6 }]);
  });

  test("make one job, not many, for the slots that were missed while nothing ran", async () => {
    const { clock } = machinery();
    await look("*/10 * * * * *");
    await workOff();
    clock.advance(DAY_MS);
    await look("*/10 * * * * *");
    await look("*/10 * * * * *");
    expect(await workOff()).toBe(1);
  });

  test("make no second job while the last one still stands in the queue", async () => {
    const { ctx, clock } = machinery();
    for (let slot = 0; slot < 5; slot += 1) {
      await look("* * * * *");
      clock.advance(MINUTE_MS);
    }
    expect(await allJobs(ctx)).toHaveLength(1);
  });

  test("yield the same slot whether they look at its first millisecond or its last", async () => {
    const { clock } = machinery();
    clock.set("2026-11-18T00:39:59.999Z");
    await look("40 3 * * *");
    await workOff();
    clock.set("2026-11-18T00:40:00.000Z");
    expect(await look("40 3 * * *")).toBe("2026-11-19T00:40:00.000Z");
    expect(await workOff()).toBe(1);
    clock.set("2026-11-19T00:39:59.999Z");
    expect(await look("40 3 * * *")).toBe("2026-11-19T00:40:00.000Z");
    expect(await workOff()).toBe(0);
  });

  test("go by Moscow's clock and calendar", async () => {
    const { clock } = machinery();
    const moments: [string, string, string][] = [
      ["40 3 * * *", "2026-11-18T00:00:00.000Z", "2026-11-18T00:40:00.000Z"],
      ["0 0 * * *", "2026-11-18T20:59:59.999Z", "2026-11-18T21:00:00.000Z"],
      ["0 0 1 * *", "2026-11-18T09:00:00.000Z", "2026-11-30T21:00:00.000Z"],
      ["0 0 1 1 *", "2026-12-31T20:59:59.999Z", "2026-12-31T21:00:00.000Z"],
      // Moscow keeps UTC+3 when Europe changes its clocks.
      ["0 3 * * *", "2026-03-28T22:00:00.000Z", "2026-03-29T00:00:00.000Z"],
    ];
    for (const [cron, at, next] of moments) {
      clock.set(at);
      expect([cron, await look(cron)]).toEqual([cron, next]);
    }
  });

  test("F12 know the leap day and the 31st", async () => {
    const { clock } = machinery();
    clock.set("2027-12-31T21:00:00.000Z");
    expect(await look("0 0 29 2 *")).toBe("2028-02-28T21:00:00.000Z");
    clock.set("2026-02-01T00:00:00.000Z");
    expect(await look("0 0 31 * *")).toBe("2026-03-30T21:00:00.000Z");
  });

  test.each([HOUR_MS, -HOUR_MS])("F12 run a slot once when the clock jumps by %d ms and back", async (jumpMs) => {
    const { clock } = machinery();
    clock.set("2026-11-18T00:40:30.000Z");
    await look("40 3 * * *");
    expect(await workOff()).toBe(1);
    for (const step of [jumpMs, 0, -jumpMs, 0]) {
      clock.advance(step);
      await look("40 3 * * *");
    }
    expect(await workOff()).toBe(0);
  });

  test("F12 are not stopped for years by a clock that was years ahead once", async () => {
    const { clock } = machinery();
    clock.set("2040-01-01T00:00:00.000Z");
    await look("40 3 * * *");
    expect(await workOff()).toBe(1);
    clock.set("2026-11-18T12:00:00.000Z");
    await look("40 3 * * *");
    expect(await workOff()).toBe(1);
    await look("40 3 * * *");
    expect(await workOff()).toBe(0);
    clock.advance(DAY_MS);
    await look("40 3 * * *");
    expect(await workOff()).toBe(1);
  });
});

describe("a recurring job that was parked", () => {
  async function parkedWith(end: (job: Awaited<ReturnType<typeof claim>>[number]) => Promise<unknown>) {
    const { ctx, clock } = machinery();
    await look("* * * * *");
    const [job] = await claim(ctx, worker, ["work"], 1);
    if (!job) throw new Error("there was no job");
    await end(job);
    expect(await jobRow(ctx, job.id)).toMatchObject({ state: "parked" });
    clock.advance(MINUTE_MS);
    await look("* * * * *");
    return jobRow(ctx, job.id);
  }

  test("because it failed too often tries again at its next slot, instead of standing in its own way", async () => {
    const { ctx, clock } = machinery();
    const row = await parkedWith((job) =>
      giveBackFailed(ctx, job, new Error("outage"), { triesMax: 1, random: () => 0 }),
    );
    expect(row).toEqual(
      expect.objectContaining({ state: "ready", failures: 0, parkedReason: null, runAt: clock.now() }),
    );
    expect(await workOff()).toBe(1);
  });

  test("because it gave up stays for an operator", async () => {
    const row = await parkedWith((job) => park(machinery().ctx, job, "pointless"));
    expect(row).toMatchObject({ state: "parked", parkedReason: "pointless" });
  });
});

describe("a running scheduler", () => {
  const entries: Schedule[] = [
    { name: "one", cron: "0 * * * *", kind: "work" },
    { name: "two", cron: "30 * * * *", kind: "other" },
  ];

  test("looks at once, then as time passes, and after it was stopped not any more", async () => {
    const { ctx, clock } = machinery();
    const scheduler = startScheduler(ctx, entries);
    await until(async () => (await allJobs(ctx)).length === 2, "both have made their first job");
    await workOff();
    clock.advance(HOUR_MS);
    await until(async () => (await allJobs(ctx)).some((job) => job.kind === "work"), "the next slot is used");
    await scheduler.stop();
    await workOff();
    clock.advance(DAY_MS);
    await Bun.sleep(1_100);
    expect((await allJobs(ctx)).map((job) => job.kind)).toEqual(["other"]);
  });

  test("goes on at once when the clock was far ahead and is set right", async () => {
    const { ctx, clock } = machinery();
    clock.set("2040-01-01T00:00:00.000Z");
    const scheduler = startScheduler(ctx, entries);
    machinery().atEnd(() => scheduler.stop());
    await until(async () => (await workOff()) === 1, "it has made a job in the wrong year");
    clock.set("2026-11-18T12:00:00.000Z");
    await until(async () => (await workOff()) === 1, "it makes one in the right year");
  });

  test("is not stopped by an entry that cannot be run", async () => {
    const { ctx, open, logLines } = machinery();
    await open.raw("alter table schedules rename to schedules_away");
    const scheduler = startScheduler(ctx, entries);
    machinery().atEnd(() => scheduler.stop());
    await until(
      () => logLines.filter((line) => line.includes("a schedule could not be run")).length === 2,
      "both failed",
    );
    await open.raw("alter table schedules_away rename to schedules");
    await until(async () => (await allJobs(ctx)).length === 2, "both run once that is possible");
  });
});

test("every recurring job of the product has a cron line that can be read and a name of its own", () => {
  expect(new Set(schedule.map((entry) => entry.name)).size).toBe(schedule.length);
  for (const entry of schedule) {
    expect(new Cron(entry.cron, { timezone: SCHEDULE_TIME_ZONE }).nextRun()).toBeInstanceOf(Date);
  }
});
