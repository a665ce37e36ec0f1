import { afterAll, describe, expect, test } from "bun:test";
import { newId } from "../../../src/platform/ids.ts";
import { EVENT_PAGE_SIZE, eventsSince, type LiveEvent, publish } from "../../../src/platform/live/events.ts";
import { createLiveHub, type LiveHub } from "../../../src/platform/live/hub.ts";
import { createWakeUps } from "../../../src/platform/wake.ts";
import { startTestApp } from "../../support/app.ts";

const product = await startTestApp();
const { ctx } = product;
const hub = createLiveHub(ctx);
/** Hears no wake-up at all, like a process whose notices were lost. */
const deaf = createLiveHub({ ...ctx, wakeUps: createWakeUps(product.open.database, ctx.log, newId()) }, 50);
afterAll(() => {
  hub.stop();
  deaf.stop();
});

const tell = (userId: string, data: Record<string, unknown> = {}) =>
  ctx.transaction((tx) => publish(tx, userId, "notice", data));
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 8_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await Bun.sleep(2);
  }
}

/** Listens and writes the numbers down; `takes` says how many it wants. */
function listen(to: LiveHub, userId: string, since: number, takes = Number.POSITIVE_INFINITY) {
  const numbers: number[] = [];
  const listener = to.listen(userId, since, (event: LiveEvent) => {
    numbers.push(event.n);
    return numbers.length < takes;
  });
  return { numbers, stop: () => listener.stop() };
}

describe("a listener", () => {
  test("T8 gets what is there, then what comes, once and in order, wherever it begins", async () => {
    const userId = newId();
    for (let index = 0; index < 10; index += 1) await tell(userId);
    const writing = Promise.all(Array.from({ length: 200 }, () => tell(userId)));
    const starts = [0, 3, 10];
    const listeners = starts.map((since) => listen(hub, userId, since));
    await writing;
    const late = listen(hub, userId, 205);
    await until(() => [...listeners, late].every((listener) => listener.numbers.at(-1) === 210));
    await Bun.sleep(20);
    for (const [index, since] of starts.entries()) expect(listeners[index]?.numbers).toEqual(upTo(210, since + 1));
    expect(late.numbers).toEqual(upTo(210, 206));
    for (const listener of [...listeners, late]) listener.stop();
  }, 60_000);

  test("gets more than one page", async () => {
    const userId = newId();
    const total = 3 * EVENT_PAGE_SIZE;
    await ctx.transaction(async (tx) => {
      for (let index = 0; index < total; index += 1) await publish(tx, userId, "notice", {});
    });
    const listener = listen(hub, userId, 0);
    await until(() => listener.numbers.length === total);
    expect(listener.numbers).toEqual(upTo(total));
    listener.stop();
  });

  test("ends when its client takes no more, and gets nothing after it was stopped", async () => {
    const userId = newId();
    const full = listen(hub, userId, 0, 2);
    const stopped = listen(hub, userId, 0);
    const size = hub.size;
    await tell(userId);
    await until(() => stopped.numbers.length === 1);
    stopped.stop();
    stopped.stop();
    for (let index = 0; index < 5; index += 1) await tell(userId);
    await until(() => hub.size === size - 2);
    await Bun.sleep(20);
    expect([full.numbers, stopped.numbers]).toEqual([[1, 2], [1]]);
  });

  test("T8 is handed what it would have read, whatever the writer does with it afterwards", async () => {
    const userId = newId();
    const events: LiveEvent[] = [];
    const listener = hub.listen(userId, 0, (event) => events.push(event) > 0);
    await until(() => hub.size > 0);
    const data = { kept: [1], moment: new Date(0), nothing: undefined };
    await ctx.transaction(async (tx) => {
      await publish(tx, userId, "notice", data);
      data.kept.push(2);
    });
    await until(() => events.length === 1);
    expect(events).toEqual(await eventsSince(ctx, userId, 0));
    expect(events[0]?.data).toStrictEqual({ kept: [1], moment: "1970-01-01T00:00:00.000Z" });
    listener.stop();
  });

  test("T8 hears of an event that was handed over too early only in its order, and of none that was rolled back", async () => {
    const userId = newId();
    const { numbers, stop } = listen(hub, userId, 0);
    await tell(userId);
    const undone = ctx.transaction(async (tx) => {
      await publish(tx, userId, "notice", {});
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await until(() => numbers.length === 1);
    const quiet = { ...ctx.wakeUps, wake: () => {} };
    await ctx.transaction((tx) => publish({ ...tx, wakeUps: quiet }, userId, "notice", {}));
    await tell(userId);
    await until(() => numbers.length === 3);
    ctx.wakeUps.wake("live", userId, { n: 2, type: "notice", at: "", data: {} });
    await Bun.sleep(20);
    expect(numbers).toEqual([1, 2, 3]);
    stop();
  });

  test("F8 that heard no wake-up finds the events all the same", async () => {
    const userId = newId();
    const listener = listen(deaf, userId, 0);
    await tell(userId);
    await until(() => listener.numbers.length === 1);
    await tell(userId);
    await tell(userId);
    await until(() => listener.numbers.length === 3);
    expect(listener.numbers).toEqual([1, 2, 3]);
    listener.stop();
  });

  test("survives a database that fails for a while, and then goes on where it was", async () => {
    const userId = newId();
    const listener = listen(deaf, userId, 0);
    await tell(userId);
    await until(() => listener.numbers.length === 1);
    await product.open.database.raw("alter table live_events rename to live_events_away");
    await until(() => product.logLines.some((line) => line.includes("events could not be read")));
    await product.open.database.raw("alter table live_events_away rename to live_events");
    await tell(userId);
    await until(() => listener.numbers.length === 2);
    expect(listener.numbers).toEqual([1, 2]);
    listener.stop();
  });
});

describe("waiting", () => {
  test("ends with what is there, with what comes, or with nothing", async () => {
    const userId = newId();
    expect(await hub.wait(userId, 0, 0)).toEqual([]);
    expect(await hub.wait(userId, 0, 20)).toEqual([]);
    const waiting = hub.wait(userId, 0, 5_000);
    await tell(userId);
    expect((await waiting).map((event) => event.n)).toEqual([1]);
    expect((await hub.wait(userId, 0, 0)).map((event) => event.n)).toEqual([1]);
    expect(hub.size).toBe(0);
  });

  test("ends at once when it is given up, also before it began", async () => {
    const userId = newId();
    const controller = new AbortController();
    const waiting = hub.wait(userId, 0, 60_000, controller.signal);
    await until(() => hub.size === 1);
    controller.abort();
    expect(await waiting).toEqual([]);
    expect(await hub.wait(userId, 0, 60_000, controller.signal)).toEqual([]);
    expect(hub.size).toBe(0);
  });

  test("ends for all when the hub stops", async () => {
    const stopping = createLiveHub(ctx);
    const waits = [1, 2, 3].map(() => stopping.wait(newId(), 0, 60_000));
    await until(() => stopping.size === 3);
    stopping.stop();
    expect(await Promise.all(waits)).toEqual([[], [], []]);
    expect(stopping.size).toBe(0);
  });
});
