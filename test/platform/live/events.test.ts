import { describe, expect, test } from "bun:test";
import { newId } from "../../../src/platform/ids.ts";
import {
  EVENT_KEPT_MS,
  EVENT_PAGE_SIZE,
  eventsSince,
  forgetOldEvents,
  lastEventNumber,
  publish,
  writeAndPublish,
} from "../../../src/platform/live/events.ts";
import { startTestApp } from "../../support/app.ts";

const product = await startTestApp();
const { ctx, clock } = product;

const tell = (userId: string, data: Record<string, unknown> = {}) =>
  ctx.transaction((tx) => publish(tx, userId, "notice", data));

async function allNumbers(userId: string): Promise<number[]> {
  const numbers: number[] = [];
  for (;;) {
    const page = await eventsSince(ctx, userId, numbers.at(-1) ?? 0);
    if (page.length === 0) return numbers;
    numbers.push(...page.map((event) => event.n));
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe("the sequence of a person's events", () => {
  test("has no gap and no number twice under fifty publishers at once", async () => {
    const userId = newId();
    await Promise.all(Array.from({ length: 50 }, (_, index) => tell(userId, { index })));
    expect(await allNumbers(userId)).toEqual(upTo(50));
    expect(await lastEventNumber(ctx, userId)).toBe(50);
    const events = await eventsSince(ctx, userId, 0);
    expect(new Set(events.map((event) => event.data.index)).size).toBe(50);
  });

  test("becomes visible in its order: a reader that goes on from the last number misses none", async () => {
    const userId = newId();
    const total = 120;
    let isOver = false;
    const seen: number[] = [];
    const reading = (async () => {
      while (!isOver || seen.length < total) {
        const page = await eventsSince(ctx, userId, seen.at(-1) ?? 0);
        seen.push(...page.map((event) => event.n));
        await Bun.sleep(0);
      }
    })();
    const writers = Array.from({ length: 6 }, async () => {
      for (let index = 0; index < total / 6; index += 1) {
        await ctx.transaction(async (tx) => {
          await publish(tx, userId, "notice", {});
          // Transactions last for different times, and end in another order than they began.
          if (index % 3 === 0) await Bun.sleep(Math.random() * 3);
        });
      }
    });
    await Promise.all(writers);
    isOver = true;
    await reading;
    expect(seen).toEqual(upTo(total));
  }, 60_000);

  test("gives several events of one write their numbers in their order, and wakes with the same", async () => {
    const userId = newId();
    await tell(userId);
    const woken: unknown[] = [];
    const stop = ctx.wakeUps.subscribe("live", (keys, news) => {
      if (keys?.includes(userId)) woken.push(news);
    });
    await ctx.transaction((tx) =>
      writeAndPublish(
        tx,
        userId,
        [],
        [
          { type: "balance.changed", data: { credits: 1 } },
          { type: "notice", data: { credits: 2 } },
          { type: "notice", data: { credits: 3 } },
        ],
      ),
    );
    stop();
    const events = await eventsSince(ctx, userId, 1);
    expect(events.map(({ n, type, data }) => [n, type, data.credits])).toEqual([
      [2, "balance.changed", 1],
      [3, "notice", 2],
      [4, "notice", 3],
    ]);
    expect(woken).toEqual(events);
    await tell(userId);
    expect(await allNumbers(userId)).toEqual(upTo(5));
  });

  test("gives back the number of a transaction that was undone", async () => {
    const userId = newId();
    await tell(userId);
    const undone = ctx.transaction(async (tx) => {
      await publish(tx, userId, "notice", {});
      await publish(tx, userId, "notice", {});
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await tell(userId);
    expect(await allNumbers(userId)).toEqual([1, 2]);
  });

  test("is each person's own", async () => {
    const [anna, boris] = [newId(), newId()];
    await Promise.all([tell(anna), tell(boris), tell(anna)]);
    expect([await allNumbers(anna), await allNumbers(boris)]).toEqual([[1, 2], [1]]);
    expect(await lastEventNumber(ctx, newId())).toBe(0);
  });

  test("is read page by page", async () => {
    const userId = newId();
    const total = EVENT_PAGE_SIZE + 3;
    await ctx.transaction(async (tx) => {
      for (let index = 0; index < total; index += 1) await publish(tx, userId, "notice", {});
    });
    expect(await eventsSince(ctx, userId, 0)).toHaveLength(EVENT_PAGE_SIZE);
    expect(await allNumbers(userId)).toEqual(upTo(total));
  });
});

describe("an event", () => {
  test("says what, when, and nothing but what it was given", async () => {
    const userId = newId();
    await ctx.transaction((tx) => publish(tx, userId, "generation.progress", { id: "x", progress: 40 }));
    expect(await eventsSince(ctx, userId, 0)).toEqual([
      { n: 1, type: "generation.progress", at: clock.now().toISOString(), data: { id: "x", progress: 40 } },
    ]);
  });

  test("wakes others after the commit, never before it and never after a rollback", async () => {
    const userId = newId();
    const heard: string[] = [];
    const stop = ctx.wakeUps.subscribe("live", (keys) => heard.push(...(keys ?? [])));
    await ctx.transaction(async (tx) => {
      await publish(tx, userId, "notice", {});
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual([userId]);
    const undone = ctx.transaction(async (tx) => {
      await publish(tx, userId, "notice", {});
      throw new Error("undone");
    });
    await undone.catch(() => {});
    expect(heard).toEqual([userId]);
    stop();
  });

  test("is forgotten after an hour, and the numbers go on", async () => {
    const userId = newId();
    await tell(userId, { old: true });
    clock.advance(EVENT_KEPT_MS / 2);
    await tell(userId, { old: false });
    clock.advance(EVENT_KEPT_MS / 2);
    await forgetOldEvents(ctx);
    expect(await allNumbers(userId)).toEqual([1, 2]);
    clock.advance(1);
    await forgetOldEvents(ctx);
    expect(await allNumbers(userId)).toEqual([2]);
    await tell(userId);
    expect(await allNumbers(userId)).toEqual([2, 3]);
    clock.advance(2 * EVENT_KEPT_MS);
    expect(await forgetOldEvents(ctx)).toBeGreaterThanOrEqual(2);
    expect(await lastEventNumber(ctx, userId)).toBe(3);
    await tell(userId);
    expect(await allNumbers(userId)).toEqual([4]);
  });
});
