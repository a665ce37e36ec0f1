import { describe, expect, test } from "bun:test";
import { until } from "../support/until.ts";
import { failureOf, order, useOpenRouterLane, WISH } from "./openrouter-lane.ts";

const { alerts, asked, lane, lastAsked, streamed } = await useOpenRouterLane();

describe("a stream", () => {
  test("that fails in the middle is not begun anew, as a part was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const before = asked();
      const { deltas, call } = await streamed();
      expect(await failureOf(call)).toMatchObject({ kind: "unavailable" });
      expect(deltas.length).toBeGreaterThan(1);
      expect(asked() - before).toBe(1);
    }
  });

  test("that fails in the middle begins anew for a caller that can forget what it was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json", "hang"]) {
      lane.emulator.faults.set("openrouter.stream", { mode, times: 2 });
      let shown = "";
      let restarts = 0;
      const client = mode === "hang" ? lane.clientWith({ timeouts: { idleMs: 1_000 } }) : lane.client;
      const completion = await client.complete(
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
    const before = asked();
    const { call } = await streamed();
    await call;
    expect(asked() - before).toBe(3);
  });

  test("that a filter stops in the middle is moderated", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "mid_moderation" });
    expect(await failureOf((await streamed({ onRestart: () => {} })).call)).toMatchObject({ kind: "moderated" });
  });

  test("that breaks off behind the finish reason is whole; only its price is missing", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "cut_before_usage" });
    const { call } = await streamed();
    const completion = await call;
    expect(JSON.parse(completion.text)).toHaveProperty("variants");
    expect(completion.usage.costMicrodollars).toBeNull();
    expect(alerts()).toHaveLength(1);
  });

  test("reads the same with its lines cut anywhere, and without the last word", async () => {
    for (const mode of ["split", "no_done"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const { deltas, call } = await streamed();
      const { text, usage } = await call;
      expect(deltas.join("")).toBe(text);
      expect(JSON.parse(text)).toHaveProperty("variants.2");
      expect(usage.costMicrodollars).toBeGreaterThan(0);
    }
  });

  test("that is slow to begin is kept alive by its comments, and that only comments ends at the deadline", async () => {
    const patient = lane.clientWith({ timeouts: { idleMs: 1_000 } });
    lane.emulator.faults.set("openrouter.stream", { mode: "slow_start", delayMs: 2_500 });
    await patient.complete(order(WISH, { onDelta: () => {} }));
    lane.emulator.faults.set("openrouter.stream", { mode: "comments" });
    const client = lane.clientWith({ timeouts: { idleMs: 1_000, totalMs: 900 } });
    const startedAt = performance.now();
    const failure = await failureOf(client.complete(order(WISH, { onDelta: () => {} })));
    expect(failure).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
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
    await until(() => lastAsked()?.outcome !== "open", "the emulator sees it");
    expect(lastAsked()).toMatchObject({ outcome: "left", costMicrodollars: 0 });
    expect(lane.emulator.stats().spentMicrodollars).toBe(spent);

    lane.emulator.faults.set("openrouter.chat", { mode: "http_502" });
    const waiting = new AbortController();
    const sleeper = lane.clientWith({ sleep: Bun.sleep, random: () => 0 });
    setTimeout(() => waiting.abort(new Error("enough")), 50);
    await expect(sleeper.complete(order(WISH, { signal: waiting.signal }))).rejects.toThrow("enough");
  });

  test("what a caller's own code throws goes through as it is, and is not tried again", async () => {
    const before = asked();
    const onDelta = (): void => {
      throw new TypeError("a bug");
    };
    await expect(lane.client.complete(order(WISH, { onDelta, onRestart: () => {} }))).rejects.toThrow(TypeError);
    expect(asked() - before).toBe(1);
  });
});
