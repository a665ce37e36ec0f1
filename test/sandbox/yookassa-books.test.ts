import { describe, expect, test } from "bun:test";
import { startYooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { order, renewal, standingClock, useYooKassaLane } from "./yookassa-lane.ts";

const lane = useYooKassaLane();

describe("another's books", () => {
  test("are gone on from: payments, refunds and stored methods are there, and what happens now stays with this shop", async () => {
    const { client, emulator } = lane();
    const made = await client.createPayment(order({ savePaymentMethod: true }));
    emulator.pay(made.id);
    emulator.refund(made.id, 1_000);
    const other = await startYooKassaEmulator({ clock: standingClock(), books: emulator.books() });
    try {
      expect(other.stats()).toMatchObject({ payments: emulator.stats().payments, refunds: emulator.stats().refunds });
      const there = lane().clientWith({ apiUrl: other.url });
      expect(await there.createPayment(renewal(made.id))).toMatchObject({ status: "succeeded" });
      other.refund(made.id, 500);
      expect(await there.getPayment(made.id)).toMatchObject({ refundedAmountKopecks: 1_500 });
      expect(await client.getPayment(made.id)).toMatchObject({ refundedAmountKopecks: 1_000 });
      expect(emulator.stats().counts).toMatchObject({ payments: { succeeded: 1 }, refunds: { succeeded: 1 } });
      expect(other.stats().counts).toMatchObject({ payments: { succeeded: 2 }, refunds: { succeeded: 2 } });
    } finally {
      await other.stop();
    }
  });
});
