import { describe, expect, test } from "bun:test";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { order, renewal, useYooKassaLane } from "./yookassa-lane.ts";
import { BODY, rawCalls } from "./yookassa-raw.ts";

const lane = useYooKassaLane();
const { call, create } = rawCalls(lane);

describe("time", () => {
  test("a payment that nobody pays is over after an hour", async () => {
    const { id } = await lane().client.createPayment(order());
    await lane().emulator.advance(HOUR_MS - 1);
    expect(await lane().client.getPayment(id)).toMatchObject({ status: "pending" });
    await lane().emulator.advance(1);
    expect(await lane().client.getPayment(id)).toMatchObject({
      status: "canceled",
      cancellation: { party: "yoo_money", reason: "expired_on_confirmation" },
    });
  });

  test("held money goes back after seven days", async () => {
    const { body } = await create({ ...BODY, capture: false });
    lane().emulator.pay(String(body.id));
    await lane().emulator.advance(7 * DAY_MS - 1);
    expect((await call("GET", `/payments/${body.id}`)).body.status).toBe("waiting_for_capture");
    await lane().emulator.advance(1);
    expect((await call("GET", `/payments/${body.id}`)).body).toMatchObject({
      status: "canceled",
      paid: false,
      cancellation_details: { reason: "expired_on_capture" },
    });
  });

  test("a charge that hangs is over after a minute, one way or the other", async () => {
    const { id } = await lane().client.createPayment(order({ savePaymentMethod: true }));
    lane().emulator.pay(id);
    for (const [mode, status] of [
      ["pending", "succeeded"],
      ["pending_declined", "canceled"],
    ] as const) {
      lane().emulator.faults.set("yookassa.autopayment", { mode, times: 1 });
      const charge = await lane().client.createPayment(renewal(id));
      expect(charge.status).toBe("pending");
      await lane().emulator.advance(MINUTE_MS);
      expect(await lane().client.getPayment(charge.id)).toMatchObject({ status });
    }
  });

  test("a refund that hangs takes its place in the sum, and ends after a minute", async () => {
    const { id } = await lane().client.createPayment(order());
    lane().emulator.pay(id);
    const refund = (amountKopecks: number) =>
      lane().client.createRefund({ paymentId: id, amountKopecks, idempotenceKey: crypto.randomUUID() });
    lane().emulator.faults.set("yookassa.refund_outcome", { mode: "pending", times: 1 });
    const first = await refund(10_000);
    expect(first.status).toBe("pending");
    expect(await refund(5_000).catch((error: unknown) => error)).toHaveProperty("kind", "rejected");
    await lane().emulator.advance(MINUTE_MS);
    expect(await lane().client.getRefund(first.id)).toMatchObject({ status: "succeeded" });
    lane().emulator.faults.set("yookassa.refund_outcome", { mode: "pending_canceled", times: 1 });
    const second = await refund(4_900);
    await lane().emulator.advance(MINUTE_MS);
    expect(await lane().client.getRefund(second.id)).toMatchObject({
      status: "canceled",
      cancellation: { reason: "insufficient_funds" },
    });
    expect(await lane().client.getPayment(id)).toMatchObject({ refundedAmountKopecks: 10_000, refundable: true });
    lane().emulator.faults.set("yookassa.refund_outcome", { mode: "canceled", times: 1 });
    expect((await refund(4_900)).status).toBe("canceled");
  });

  test("the clock goes by HTTP too, and only forward", async () => {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${lane().emulator.origin}/_clock`, { method: "POST", body: JSON.stringify(body) });
    expect((await post({ advance_ms: 1_000 })).status).toBe(200);
    expect(lane().emulator.stats().now).toBe("2026-11-22T10:00:01.000Z");
    expect((await post({ advance_ms: -1 })).status).toBe(422);
    expect((await post({})).status).toBe(422);
  });
});
