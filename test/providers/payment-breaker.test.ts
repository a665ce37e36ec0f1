import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  FAILURES_TO_OPEN,
  type GuardedPaymentProvider,
  OPEN_MS,
  withBreaker,
} from "../../src/providers/payment-breaker.ts";
import { yooKassaProvider } from "../../src/providers/yookassa/payment-provider.ts";
import { failureOf, RETURN_URL, standingClock, startYooKassaLane } from "../sandbox/yookassa-lane.ts";

const lane = await startYooKassaLane();
afterAll(() => lane.emulator.stop());
const { faults } = lane.emulator;

let clock: ReturnType<typeof standingClock>;
let said: boolean[];
let provider: GuardedPaymentProvider;

/** Some of the calls meet what never answers, and none of the others takes as long. */
const TIMEOUTS = { createMs: 300, queryMs: 300, totalMs: 5_000 };

/** Each test has a breaker of its own before the same shop; `slowMs` is far above what the emulator takes. */
function start(slowMs = 2_000): void {
  faults.clear();
  clock = standingClock();
  said = [];
  provider = withBreaker(yooKassaProvider(lane.clientWith({ timeouts: TIMEOUTS }), false), { clock, slowMs });
  provider.onOutage((isOut) => said.push(isOut));
  lane.newCalls();
}
beforeEach(() => start());

let orders = 0;
const create = () => {
  orders += 1;
  const orderId = `breaker-${orders}`;
  return provider.create({
    orderId,
    amountKopecks: 100,
    description: "x",
    payBy: { page: { returnUrl: RETURN_URL, saveMethod: false } },
    key: orderId,
  });
};
const pass = (ms: number) => {
  clock.at = new Date(clock.at.getTime() + ms);
};
const fail = async (times: number) => {
  for (let n = 0; n < times; n += 1) await failureOf(create());
};

describe("P8 the breaker before the payment provider", () => {
  for (const mode of ["edge_502", "reset", "hang"]) {
    test(`opens after ${FAILURES_TO_OPEN} calls in a row that met ${mode}; the next fail at once and unsent`, async () => {
      faults.set("yookassa.edge", { mode });
      await fail(FAILURES_TO_OPEN - 1);
      expect([provider.pausedMs(), said]).toEqual([0, []]);
      await fail(1);
      expect([provider.pausedMs(), said]).toEqual([OPEN_MS, [true]]);
      lane.newCalls();
      faults.clear();
      for (const call of [
        create(),
        provider.read("x"),
        provider.refund({ paymentId: "x", amountKopecks: 100, description: "x", key: "x" }),
        provider.readRefund("x"),
        provider.paymentsSince(new Date(0))[Symbol.asyncIterator]().next(),
        provider.refundsSince(new Date(0))[Symbol.asyncIterator]().next(),
      ]) {
        expect(await failureOf(call)).toMatchObject({ kind: "unavailable", retryAfterMs: OPEN_MS, alert: false });
      }
      expect(lane.newCalls()).toEqual([]);
    });
  }

  test("lets one call through when its time is over, and closes when that is answered", async () => {
    faults.set("yookassa.edge", { mode: "edge_502" });
    await fail(FAILURES_TO_OPEN);
    faults.clear();
    faults.set("yookassa.create", { mode: "delay", delayMs: 100 });
    pass(OPEN_MS);
    lane.newCalls();
    const [probe, beside] = [create(), failureOf(create())];
    expect((await beside).kind).toBe("unavailable");
    expect(provider.pausedMs()).toBeGreaterThan(0);
    expect((await probe).status).toBe("pending");
    expect(lane.newCalls()).toHaveLength(1);
    expect([provider.pausedMs(), said]).toEqual([0, [true, false]]);
    faults.clear();
    await Promise.all([create(), create(), create()]);
    expect(lane.newCalls()).toHaveLength(3);
  });

  test("stays open when that call fails too, and says so again", async () => {
    faults.set("yookassa.edge", { mode: "edge_502" });
    await fail(FAILURES_TO_OPEN);
    pass(OPEN_MS - 1);
    lane.newCalls();
    await fail(1);
    expect(lane.newCalls()).toEqual([]);
    pass(1);
    await fail(1);
    expect([provider.pausedMs(), said]).toEqual([OPEN_MS, [true, true]]);
  });

  test("does not mind refusals and being told to come more slowly: who answers is there", async () => {
    for (const mode of ["http_429", "http_400", "http_401", "http_403"]) {
      faults.set("yookassa.create", { mode });
      await fail(2 * FAILURES_TO_OPEN);
      expect([mode, provider.pausedMs()]).toEqual([mode, 0]);
    }
    expect(said).toEqual([false]);
    // A refusal ends a row of failures; the request to come more slowly neither ends nor lengthens it.
    for (const [mode, pausedMs] of [
      ["http_400", 0],
      ["http_429", OPEN_MS],
    ] as const) {
      start();
      faults.set("yookassa.create", { mode: "http_500" });
      await fail(FAILURES_TO_OPEN - 1);
      faults.set("yookassa.create", { mode });
      await fail(1);
      faults.set("yookassa.create", { mode: "http_500" });
      await fail(1);
      expect([mode, provider.pausedMs()]).toEqual([mode, pausedMs]);
    }
  });

  test("learns nothing new from calls that were under way when it opened", async () => {
    faults.set("yookassa.edge", { mode: "edge_502" });
    await Promise.all(Array.from({ length: 3 * FAILURES_TO_OPEN }, () => fail(1)));
    expect([provider.pausedMs(), said]).toEqual([OPEN_MS, [true]]);
  });

  test("forgets failures that are long ago", async () => {
    faults.set("yookassa.edge", { mode: "edge_502" });
    await fail(FAILURES_TO_OPEN - 1);
    pass(5 * 60_000);
    await fail(1);
    expect(provider.pausedMs()).toBe(0);
  });

  test("opens while slow calls are still under way, and their late answers do not close it", async () => {
    start(60);
    faults.set("yookassa.create", { mode: "delay", delayMs: 200 });
    const calls = Array.from({ length: FAILURES_TO_OPEN }, create);
    await Bun.sleep(120);
    expect([provider.pausedMs(), said]).toEqual([OPEN_MS, [true]]);
    for (const { status } of await Promise.all(calls)) expect(status).toBe("pending");
    expect([provider.pausedMs(), said]).toEqual([OPEN_MS, [true]]);
  });

  test("walks through lists as the provider gives them", async () => {
    await Promise.all([create(), create(), create()]);
    const listed: string[] = [];
    for await (const { id } of provider.paymentsSince(new Date(0))) listed.push(id);
    expect(listed).toHaveLength(lane.made());
  });
});
