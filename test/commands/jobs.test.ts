import { beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { after, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim, complete } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { giveBack, giveBackFailed } from "../../src/platform/queue/outcome.ts";
import { jobs, workers } from "../../src/platform/queue/tables.ts";
import { sortUnknownKinds } from "../../src/platform/queue/unknown-kinds.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf, startProgram } from "./program.ts";

const app = await startTestApp({ clock: createTestClock(new Date()) });
beforeEach(async () => {
  await app.ctx.db.delete(jobs);
  await app.ctx.db.delete(workers);
});

const run = (...words: string[]) => runProgram(words, { environment: settingsOf(app.database) });

interface Listing {
  queue: { ready: number; due: number; leased: number; parked: number; oldestDueMs: number | null };
  jobs: Array<{ id: string; kind: string; state: string; parked_reason: string | null; failures: number }>;
}
const list = async (...words: string[]) => JSON.parse((await run("jobs", "list", "--json", ...words)).out) as Listing;

async function add(kind: string, runAt?: Date): Promise<string> {
  const id = await enqueue(app.ctx, kind, { about: kind }, runAt === undefined ? {} : { runAt });
  return id ?? "";
}

/** A worker of this version that beats now. */
async function addWorker(kinds: string[]): Promise<string> {
  const id = newId();
  const now = app.clock.now();
  await app.ctx.db
    .insert(workers)
    .values({ id, hostname: "elsewhere", processId: 1, processStart: "", kinds, startedAt: now, heartbeatAt: now });
  return id;
}

/** Uses up all tries of a job. */
async function parkByFailing(kind: string): Promise<void> {
  const [job] = await claim(app.ctx, newId(), [kind], 1);
  if (!job) throw new Error("the job was there to be claimed");
  await giveBackFailed(app.ctx, job, new Error("the moon is full"), { triesMax: 1, random: () => 0.5 });
}

describe("atelier jobs list", () => {
  test("shows what is parked first, then what is in work, then what waits, and how long it has waited", async () => {
    const waiting = await add("test.waiting", after(app.clock.now(), 60 * MINUTE_MS));
    const due = await add("test.due", after(app.clock.now(), -MINUTE_MS));
    const leased = await add("test.leased");
    await claim(app.ctx, newId(), ["test.leased"], 1);
    const parked = await add("test.parked");
    await parkByFailing("test.parked");
    const { queue, jobs: rows } = await list();
    expect(rows.map((row) => row.id)).toEqual([parked, leased, due, waiting]);
    expect(queue).toMatchObject({ ready: 2, due: 1, leased: 1, parked: 1 });
    expect(queue.oldestDueMs).toBeGreaterThanOrEqual(MINUTE_MS);
    const { out } = await run("jobs", "list");
    expect(out).toMatch(/test\.parked +parked +.* 1 +failed.*Error: the moon is full/);
    expect(out).toMatch(/2 ready \(1 due, the oldest for \d+ s\), 1 leased, 1 parked\.\n$/);
  });

  test("filters by state and kind, and says when there is more", async () => {
    for (const kind of ["test.a", "test.a", "test.b"]) await add(kind);
    expect((await list("--kind", "test.a")).jobs.map((row) => row.kind)).toEqual(["test.a", "test.a"]);
    expect((await list("--state", "parked")).jobs).toEqual([]);
    const { out } = await run("jobs", "list", "--limit", "2");
    expect(out).toContain("Shown are the first 2");
    expect(out.match(/test\./g)).toHaveLength(2);
  });

  test("an empty queue is one line", async () => {
    expect((await run("jobs", "list")).out).toBe("0 ready (0 due), 0 leased, 0 parked.\n");
  });

  test("a slow reader behind a pipe gets all of a long list", async () => {
    const now = app.clock.now();
    const row = { kind: "test.many", payload: {}, state: "ready" as const, priority: 1, turn: 0, runAt: now };
    const rows = Array.from({ length: 1_500 }, () => ({
      ...row,
      id: newId(),
      claims: 0,
      failures: 0,
      createdAt: now,
      updatedAt: now,
    }));
    for (let start = 0; start < rows.length; start += 500) {
      await app.ctx.db.insert(jobs).values(rows.slice(start, start + 500));
    }
    const program = startProgram(["jobs", "list", "--limit", "2000"], { environment: settingsOf(app.database) });
    const pieces: string[] = [];
    const decoder = new TextDecoder();
    let isFirst = true;
    for await (const piece of program.stdout) {
      if (isFirst) await Bun.sleep(500);
      isFirst = false;
      pieces.push(decoder.decode(piece, { stream: true }));
    }
    expect(await program.exited).toBe(0);
    expect(pieces.join("").match(/test\.many/g)).toHaveLength(1_500);
  });

  test("P16 a job of a kind that no worker knows is parked, shown with its reason, and runs again when asked", async () => {
    const id = await add("future.kind", after(app.clock.now(), -11 * MINUTE_MS));
    await addWorker(["generation.run"]);
    expect((await run("jobs", "show", id)).out).toContain("No running worker knows this kind");
    await sortUnknownKinds(app.ctx);
    expect((await list("--state", "parked")).jobs).toMatchObject([
      { id, kind: "future.kind", parked_reason: "unknown job kind" },
    ]);
    expect((await run("jobs", "list")).out).toMatch(/future\.kind +parked +.*unknown job kind/);
    expect((await run("jobs", "retry", id)).code).toBe(0);
    expect((await list()).jobs).toMatchObject([{ id, state: "ready", parked_reason: null }]);
  });
});

describe("atelier jobs show", () => {
  test("tells everything about one job", async () => {
    const id = await add("test.shown");
    await parkByFailing("test.shown");
    const { code, out } = await run("jobs", "show", id);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^id +${id}$`, "m"));
    expect(out).toMatch(/^last error +Error: the moon is full$/m);
    expect(out).toMatch(/^payload +\{"about":"test.shown"\}$/m);
    expect(out).toContain("No worker is running.");
    expect(JSON.parse((await run("jobs", "show", id, "--json")).out)).toMatchObject({ id, known_to_a_worker: false });
  });

  test("an unknown id is a sentence and exit code 2, for every one of the commands", async () => {
    for (const words of [["show"], ["retry"], ["park"]]) {
      for (const id of [newId(), "not-an-id"]) {
        const { code, err } = await run("jobs", ...words, id);
        expect({ words, code }).toEqual({ words, code: 2 });
        expect(err).toBe(`atelier: There is no job ${id} in the queue; one that is done is not kept.\n`);
      }
    }
  });
});

describe("atelier jobs retry", () => {
  test("a parked job is due now and has all its tries before it", async () => {
    const id = await add("test.again");
    await parkByFailing("test.again");
    expect((await run("jobs", "retry", id)).out).toBe(`Job ${id} runs again.\n`);
    app.clock.set(new Date());
    const [job] = await claim(app.ctx, newId(), ["test.again"], 1);
    expect(job).toMatchObject({ id, failures: 0, parkedReason: null });
  });

  test("a waiting job does not wait any longer", async () => {
    const id = await add("test.later", after(app.clock.now(), 60 * MINUTE_MS));
    await run("jobs", "retry", id);
    app.clock.set(new Date());
    expect(await claim(app.ctx, newId(), ["test.later"], 1)).toHaveLength(1);
  });

  test("--all-parked runs all again, or those of one kind, and leaves the others alone", async () => {
    for (const kind of ["test.x", "test.x", "test.y"]) {
      await add(kind);
      await parkByFailing(kind);
    }
    await add("test.z", after(app.clock.now(), 60 * MINUTE_MS));
    expect((await run("jobs", "retry", "--all-parked", "--kind", "test.y")).out).toBe("1 jobs run again.\n");
    expect((await list()).queue).toMatchObject({ ready: 2, parked: 2 });
    expect((await run("jobs", "retry", "--all-parked")).out).toBe("2 jobs run again.\n");
    expect((await list()).queue).toMatchObject({ ready: 4, due: 3, parked: 0 });
  });

  test("a job in a worker's hands is left to it", async () => {
    const id = await add("test.busy");
    const [job] = await claim(app.ctx, newId(), ["test.busy"], 1);
    const { code, err } = await run("jobs", "retry", id);
    expect({ code, err }).toEqual({ code: 2, err: `atelier: A worker has job ${id} in hand at this moment.\n` });
    const [row] = await app.ctx.db.select().from(jobs).where(eq(jobs.id, id));
    expect(row).toMatchObject({ state: "leased", lease: job?.lease });
  });

  test("asks for one job or for all of them, not for both or none", async () => {
    for (const words of [[], [newId(), "--all-parked"], [newId(), "--kind", "test.x"]]) {
      expect((await run("jobs", "retry", ...words)).code).toBe(2);
    }
  });
});

describe("atelier jobs park", () => {
  test("no worker takes a parked job, and the reason stands beside it", async () => {
    const id = await add("test.parked");
    const { code, out } = await run("jobs", "park", id, "--reason", "waits for the support");
    expect({ code, out }).toEqual({
      code: 0,
      out: `Job ${id} is parked. It runs again with: atelier jobs retry ${id}\n`,
    });
    app.clock.set(new Date());
    expect(await claim(app.ctx, newId(), ["test.parked"], 1)).toEqual([]);
    expect((await list()).jobs).toMatchObject([{ id, parked_reason: "parked by an operator: waits for the support" }]);
    expect((await run("jobs", "park", id)).out).toBe(`Job ${id} was parked already.\n`);
  });

  test("a job is taken out of a worker's hands, and what that worker writes afterwards changes nothing", async () => {
    const id = await add("test.held");
    const [job] = await claim(app.ctx, newId(), ["test.held"], 1);
    if (!job) throw new Error("the job was there to be claimed");
    await run("jobs", "park", id);
    await giveBack(app.ctx, job, 0);
    await complete(app.ctx, [job.id], [job.lease]);
    expect((await list()).jobs).toMatchObject([{ id, state: "parked", parked_reason: "parked by an operator" }]);
  });
});
