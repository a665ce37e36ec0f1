import { describe, expect, test } from "bun:test";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";
import { failureOf, order, startOpenRouterLane, useOpenRouterLane, WISH } from "./openrouter-lane.ts";

const lane = useOpenRouterLane();

describe("a stream", () => {
  test("that fails in the middle is not begun anew, as a part was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const before = lane.asked();
      const { deltas, call } = lane.streamed();
      expect(await failureOf(call)).toMatchObject({ kind: "unavailable" });
      expect(deltas.length).toBeGreaterThan(1);
      expect(lane.asked() - before).toBe(1);
    }
  });

  test("that fails in the middle begins anew for a caller that can forget what it was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json", "hang"]) {
      lane.emulator.faults.set("openrouter.stream", { mode, times: 2 });
      let shown = "";
      let restarts = 0;
      const completion = await lane.clientWith({ timeouts: { idleMs: 150 } }).complete(
        order(WISH, {
          onDelta: (text) => {
            shown += text;
          },
          onRestart: () => {
            shown = "";
            restarts += 1;
          },
        }),
      );
      expect(restarts).toBe(2);
      expect(shown).toBe(completion.text);
    }
  });

  test("whose only frame is an error is asked for again, as nothing was shown", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "only_error", times: 2 });
    const before = lane.asked();
    const { call } = lane.streamed();
    await call;
    expect(lane.asked() - before).toBe(3);
  });

  test("that a filter stops in the middle is moderated", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "mid_moderation" });
    expect(await failureOf(lane.streamed({ onRestart: () => {} }).call)).toMatchObject({ kind: "moderated" });
  });

  test("that breaks off behind the finish reason is whole; only its price is missing", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "cut_before_usage" });
    const { call } = lane.streamed();
    const completion = await call;
    expect(JSON.parse(completion.text)).toHaveProperty("variants");
    expect(completion.usage.costMicrodollars).toBeNull();
    expect(lane.alerts()).toHaveLength(1);
  });

  test("reads the same with its lines cut anywhere, and without the last word", async () => {
    for (const mode of ["split", "no_done"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const { deltas, call } = lane.streamed();
      const { text, usage } = await call;
      expect(deltas.join("")).toBe(text);
      expect(JSON.parse(text)).toHaveProperty("variants.2");
      expect(usage.costMicrodollars).toBeGreaterThan(0);
    }
  });

  test("that is slow to begin is kept alive by its comments, and that only comments ends at the deadline", async () => {
    const client = lane.clientWith({ timeouts: { idleMs: 200, totalMs: 900 } });
    lane.emulator.faults.set("openrouter.stream", { mode: "slow_start", delayMs: 500 });
    await client.complete(order(WISH, { onDelta: () => {} }));
    lane.emulator.faults.set("openrouter.stream", { mode: "comments" });
    const startedAt = performance.now();
    const failure = await failureOf(client.complete(order(WISH, { onDelta: () => {} })));
    expect(failure).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(within(1_500, 10_000));
  });

  test("is dropped when the caller leaves: at once, in the middle, and between two tries", async () => {
    const gone = AbortSignal.abort(new Error("nobody listens"));
    await expect(lane.client.complete(order(WISH, { signal: gone }))).rejects.toThrow("nobody listens");

    const leaving = new AbortController();
    lane.emulator.faults.set("openrouter.pace", { mode: "pace", delayMs: 20 });
    const onDelta = (): void => leaving.abort(new Error("the page was closed"));
    const spent = lane.emulator.stats().spentMicrodollars;
    await expect(lane.client.complete(order(WISH, { onDelta, signal: leaving.signal }))).rejects.toThrow(
      "page was closed",
    );
    await until(() => lane.lastAsked()?.outcome !== "open", "the emulator has seen it leave");
    expect(lane.lastAsked()).toMatchObject({ outcome: "left", costMicrodollars: 0 });
    expect(lane.emulator.stats().spentMicrodollars).toBe(spent);

    lane.emulator.faults.set("openrouter.chat", { mode: "http_502" });
    const waiting = new AbortController();
    const sleeper = lane.clientWith({ sleep: Bun.sleep, random: () => 0 });
    setTimeout(() => waiting.abort(new Error("enough")), 50);
    await expect(sleeper.complete(order(WISH, { signal: waiting.signal }))).rejects.toThrow("enough");
  });

  test("what a caller's own code throws goes through as it is, and is not tried again", async () => {
    const before = lane.asked();
    const onDelta = (): void => {
      throw new TypeError("a bug");
    };
    await expect(lane.client.complete(order(WISH, { onDelta, onRestart: () => {} }))).rejects.toThrow(TypeError);
    expect(lane.asked() - before).toBe(1);
  });
});

describe("the emulator's account", () => {
  test("knows the most requests at once, in all and for each person", async () => {
    const fresh = await startOpenRouterLane({ answerMs: 60 });
    try {
      const ask = (endUserHash: string, more = {}) => fresh.client.complete(order(WISH, { endUserHash, ...more }));
      await Promise.all([ask("a"), ask("a"), ask("b", { onDelta: () => {} })]);
      await ask("a");
      expect(fresh.emulator.stats().atOnce).toEqual({ overall: 3, byUser: { a: 2, b: 1 } });
      expect(fresh.emulator.stats().outcomes).toEqual({ answered: 4 });
    } finally {
      await fresh.emulator.stop();
    }
  });

  test("takes and shows its switches over HTTP", async () => {
    const put = await fetch(`${lane.emulator.url}/_faults`, {
      method: "PUT",
      body: JSON.stringify({ "openrouter.chat": { mode: "http_402" } }),
    });
    expect(put.status).toBe(200);
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "out_of_funds" });
  });
});
