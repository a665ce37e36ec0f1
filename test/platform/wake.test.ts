import { describe, expect, test } from "bun:test";
import { newId } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/telemetry/log.ts";
import { createWakeUps, type WakeTopic, type WakeUps } from "../../src/platform/wake.ts";
import { lane } from "../support/database.ts";
import { put } from "../support/jobs.ts";
import { useMachinery } from "../support/machinery.ts";
import { until } from "../support/until.ts";

const machinery = useMachinery();
/** Longer than wake-ups are gathered for, so that what has not come by then does not come. */
const LONG_MS = 150;

function record(wakeUps: WakeUps, topic: WakeTopic) {
  const heard: (readonly string[] | null)[] = [];
  return { heard, unsubscribe: wakeUps.subscribe(topic, (keys) => heard.push(keys)) };
}

describe("within a process", () => {
  test("a wake-up arrives at once, with its key, at everybody who waits for the topic", () => {
    const { wakeUps } = machinery().ctx;
    const [first, second, other] = [record(wakeUps, "live"), record(wakeUps, "live"), record(wakeUps, "jobs")];
    wakeUps.wake("live", "person-1");
    wakeUps.wake("jobs");
    expect(first.heard).toEqual([["person-1"]]);
    expect(second.heard).toEqual([["person-1"]]);
    expect(other.heard).toEqual([[]]);
    first.unsubscribe();
    wakeUps.wake("live", "person-2");
    expect(first.heard).toHaveLength(1);
    expect(second.heard).toHaveLength(2);
  });

  test("a listener that throws disturbs neither the others nor the one who has committed", async () => {
    const { ctx, logLines } = machinery();
    ctx.wakeUps.subscribe("jobs", () => {
      throw new Error("a broken listener");
    });
    const { heard } = record(ctx.wakeUps, "jobs");
    await ctx.transaction((tx) => put(tx));
    expect(heard).toHaveLength(1);
    expect(logLines.join("\n")).toContain("a broken listener");
  });
});

describe.skipIf(lane === "sqlite")("between processes (Postgres only: SQLite has one process)", () => {
  /** Two processes that hear each other, and a bystander who sees each notice as Postgres delivers it. */
  async function twoProcesses() {
    const { ctx, another } = machinery();
    const other = await another();
    await ctx.wakeUps.start();
    await other.ctx.wakeUps.start();
    const bystander = (await another()).open;
    const notices: string[] = [];
    await bystander.listen(
      "atelier_jobs",
      (payload) => notices.push(payload),
      () => {},
    );
    await bystander.listen(
      "atelier_live",
      (payload) => notices.push(payload),
      () => {},
    );
    return { here: ctx, there: other.ctx, notices };
  }

  test("a wake in one reaches the other, with the keys of the people it is about", async () => {
    const { here, there } = await twoProcesses();
    const jobsThere = record(there.wakeUps, "jobs");
    const liveThere = record(there.wakeUps, "live");
    const liveHere = record(here.wakeUps, "live");
    const [first, second] = [newId(), newId()];
    here.wakeUps.wake("jobs");
    here.wakeUps.wake("live", first);
    here.wakeUps.wake("live", second);
    await until(() => jobsThere.heard.length > 0 && liveThere.heard.length > 0, "both topics are heard over there");
    expect(liveThere.heard).toEqual([[first, second]]);
    await Bun.sleep(LONG_MS);
    // One's own notices come back from Postgres too; they must not wake anybody a second time.
    expect(liveHere.heard).toEqual([[first], [second]]);
    there.wakeUps.wake("live", second);
    await until(() => liveHere.heard.length === 3, "the answer is heard here");
  });

  test("a thousand wake-ups in a moment are few notices, and nobody is forgotten", async () => {
    const { here, there, notices } = await twoProcesses();
    const { heard } = record(there.wakeUps, "live");
    const people = Array.from({ length: 1_000 }, newId);
    for (const person of people) {
      here.wakeUps.wake("live", person);
      here.wakeUps.wake("jobs");
    }
    await until(() => heard.flat().length >= people.length, "all are heard");
    await Bun.sleep(LONG_MS);
    expect(heard.flat().sort()).toEqual([...people].sort());
    expect(notices.length).toBeLessThanOrEqual(10);
    // Postgres refuses a payload of 8000 bytes and more.
    for (const notice of notices) expect(Buffer.byteLength(notice)).toBeLessThan(8_000);
  });

  test("nothing is sent inside a transaction, and nothing at all after a rollback", async () => {
    const { here, there, notices } = await twoProcesses();
    const { heard } = record(there.wakeUps, "jobs");
    const attempt = here.transaction(async (tx) => {
      await put(tx);
      await Bun.sleep(LONG_MS);
      expect(notices).toEqual([]);
      throw new Error("rolled back");
    });
    await expect(attempt).rejects.toThrow("rolled back");
    await Bun.sleep(LONG_MS);
    expect(notices).toEqual([]);

    await here.transaction(async (tx) => {
      await put(tx);
      await Bun.sleep(LONG_MS);
      expect(notices).toEqual([]);
    });
    await until(() => heard.length > 0, "the commit is heard");
    expect(notices).toHaveLength(1);
  });

  test("what was gathered is still sent by a process that stops", async () => {
    const { here, there } = await twoProcesses();
    const { heard } = record(there.wakeUps, "jobs");
    here.wakeUps.wake("jobs");
    await here.wakeUps.stop();
    await until(() => heard.length > 0, "it is heard");
  });

  test("F8 a listener whose connection was cut hears again, and is told that it may have missed something", async () => {
    const { here, there } = await twoProcesses();
    const { heard } = record(there.wakeUps, "jobs");
    await machinery().open.raw(
      "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' and datname = current_database()",
    );
    await until(() => heard.includes(null), "it is told");
    await until(async () => {
      here.wakeUps.wake("jobs");
      await Bun.sleep(20);
      return heard.some((keys) => keys !== null);
    }, "it hears again");
  });
});

describe("other processes are told", () => {
  function toldBy() {
    const notices: string[] = [];
    const notify = async (channel: string) => void notices.push(channel);
    const database = { ...machinery().open, notify };
    return { notices, wakeUps: createWakeUps(database, machinery().ctx.log, newId()) };
  }

  test("at once where there is nothing to gather with, and together what comes right after", async () => {
    const { notices, wakeUps } = toldBy();
    wakeUps.wake("jobs");
    // Before any timer: the shortest takes a millisecond.
    await Promise.resolve();
    expect(notices).toEqual(["atelier_jobs"]);
    for (let at = 0; at < 20; at += 1) wakeUps.wake("jobs", `key ${at}`);
    await Bun.sleep(LONG_MS);
    expect(notices).toHaveLength(2);
  });

  test("Q5 of many jobs at a high pace by a few notices, and of a lone one after them at once", async () => {
    const { notices, wakeUps } = toldBy();
    const beganMs = performance.now();
    while (performance.now() - beganMs < 500) {
      // Many in each turn, so that the pace is high on a busy machine too.
      for (let made = 0; made < 5; made += 1) wakeUps.wake("jobs");
      await new Promise((next) => setImmediate(next));
    }
    // Gathered for 10 ms each they would be some 45.
    expect(notices.length).toBeLessThanOrEqual(15);
    await Bun.sleep(LONG_MS);
    const told = notices.length;
    wakeUps.wake("jobs");
    await Promise.resolve();
    expect(notices).toHaveLength(told + 1);
  });

  test("of what a page of the panel shows never at once", async () => {
    const { notices, wakeUps } = toldBy();
    wakeUps.wake("panel", "jobs");
    await Bun.sleep(LONG_MS);
    expect(notices).toEqual([]);
    await wakeUps.stop();
    expect(notices).toEqual(["atelier_panel"]);
  });
});

test("a notice that cannot be sent is a line in the log and nothing more", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  const { open } = machinery();
  const broken = { ...open, notify: () => Promise.reject(new Error("no connection")) };
  const wakeUps = createWakeUps(broken, log, newId());
  wakeUps.wake("jobs");
  await until(() => lines.length > 0, "it is logged");
  expect(lines.join("\n")).toContain("wake-up was not sent");
  await wakeUps.stop();
});
