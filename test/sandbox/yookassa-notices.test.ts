import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { parseNotice } from "../../src/providers/yookassa/webhook.ts";
import type { Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import {
  type Notice,
  order,
  standingClock,
  startShopServer,
  startYooKassaLane,
  type YooKassaLane,
} from "./yookassa-lane.ts";

let lane: YooKassaLane;
let shop: Receiver<Notice>;
beforeEach(async () => {
  shop = startShopServer();
  lane = await startYooKassaLane({ clock: standingClock(), webhookUrl: shop.url });
});
afterEach(async () => {
  await lane.emulator.stop();
  await shop.stop();
});

/** A paid order, and its notice if the switches let it through. */
async function paid(): Promise<string> {
  const { id } = await lane.client.createPayment(order());
  lane.emulator.pay(id);
  await lane.emulator.notices.tried();
  return id;
}

describe("notices", () => {
  test("tell each event with a full object as of then, from an address of the list", async () => {
    const id = await paid();
    lane.emulator.refund(id, 1_000);
    await lane.emulator.notices.tried();
    expect(shop.received.map(({ event }) => event)).toEqual(["payment.succeeded", "refund.succeeded"]);
    expect(shop.received[0]).toMatchObject({
      source: "185.71.76.5",
      object: { id, status: "succeeded", amount: { value: "149.00" }, refunded_amount: { value: "0.00" } },
    });
    expect(shop.received.map(({ text }) => parseNotice(text)?.objectType)).toEqual(["payment", "refund"]);
    expect(lane.emulator.stats().notices).toMatchObject({ sent: 2, taken: 2, failed: 0, waiting: 0 });
  });

  test("come again until they are answered with 200, which no other status is", async () => {
    const answers = [500, 201, 204, 302, 404, 200];
    shop.answer = (count) => new Response(null, { status: answers[count - 1] ?? 200, headers: { location: shop.url } });
    await paid();
    for (let tries = 1; tries < answers.length; tries += 1) {
      expect(shop.received).toHaveLength(tries);
      await lane.emulator.advance(HOUR_MS);
    }
    expect(shop.received).toHaveLength(answers.length);
    await lane.emulator.advance(DAY_MS);
    expect(shop.received).toHaveLength(answers.length);
    expect(new Set(shop.received.map(({ text }) => text)).size).toBe(1);
  });

  test("come first after seconds, then ever more slowly", async () => {
    shop.answer = () => new Response("no", { status: 500 });
    await paid();
    const triedAfter: number[] = [];
    for (let second = 0; second < 400; second += 5) {
      const before = shop.received.length;
      await lane.emulator.advance(5 * SECOND_MS);
      if (shop.received.length > before) triedAfter.push(second + 5);
    }
    expect(triedAfter).toEqual([10, 70, 370]);
  });

  test("stop after a day", async () => {
    shop.answer = () => new Response("no", { status: 500 });
    await paid();
    for (let hour = 0; hour < 30; hour += 1) await lane.emulator.advance(HOUR_MS);
    const tries = shop.received.length;
    expect(tries).toBeGreaterThan(20);
    await lane.emulator.advance(DAY_MS);
    expect(shop.received).toHaveLength(tries);
    expect(lane.emulator.stats().notices.waiting).toBe(0);
  });

  test("wait for a shop that is down", async () => {
    lane.emulator.setWebhookUrl("http://127.0.0.1:1/webhook");
    await paid();
    expect(lane.emulator.stats().notices).toMatchObject({ failed: 1, waiting: 1 });
    lane.emulator.setWebhookUrl(shop.url);
    await lane.emulator.advance(MINUTE_MS);
    expect(shop.received).toHaveLength(1);
  });

  test("are counted while there is nobody to tell", async () => {
    lane.emulator.setWebhookUrl(undefined);
    await paid();
    expect(lane.emulator.stats().notices).toMatchObject({ nowhere: 1, sent: 0 });
  });
});

describe("the switches of notices", () => {
  const withSwitch = async (mode: string, delayMs?: number): Promise<string> => {
    lane.emulator.faults.set("yookassa.notify", { mode, times: 1, ...(delayMs === undefined ? {} : { delayMs }) });
    return paid();
  };

  test("drop loses one for good", async () => {
    await withSwitch("drop");
    await lane.emulator.advance(DAY_MS);
    expect(shop.received).toEqual([]);
    expect(lane.emulator.stats().notices).toMatchObject({ dropped: 1 });
  });

  test("duplicate sends the same one many times at once", async () => {
    await withSwitch("duplicate");
    expect(shop.received).toHaveLength(2);
    await withSwitch("duplicate_50");
    expect(shop.received).toHaveLength(52);
    expect(new Set(shop.received.slice(2).map(({ text }) => text)).size).toBe(1);
  });

  test("delay waits, while the payment is paid already", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.faults.set("yookassa.notify", { mode: "delay", delayMs: 1_500, times: 1 });
    lane.emulator.pay(id);
    await Bun.sleep(20);
    expect(shop.received).toEqual([]);
    expect(await lane.client.getPayment(id)).toMatchObject({ status: "succeeded" });
    await lane.emulator.notices.tried();
    expect(shop.received).toHaveLength(1);
  });

  test("hold keeps them until they are released, in either order, however late", async () => {
    lane.emulator.faults.set("yookassa.notify", { mode: "hold", times: 2 });
    const first = await paid();
    const second = await paid();
    await lane.emulator.advance(30 * DAY_MS);
    expect(shop.received).toEqual([]);
    const response = await fetch(`${lane.emulator.origin}/_release`, {
      method: "POST",
      body: JSON.stringify({ order: "latest_first" }),
    });
    expect(response.status).toBe(200);
    expect(shop.received.map(({ object }) => object.id)).toEqual([second, first]);
  });

  test("reorder lets the next one overtake it", async () => {
    const id = await withSwitch("reorder");
    expect(shop.received).toEqual([]);
    lane.emulator.refund(id);
    await lane.emulator.notices.tried();
    expect(shop.received.map(({ event }) => event)).toEqual(["refund.succeeded", "payment.succeeded"]);
  });

  test("forged ones lie, while the API tells the truth", async () => {
    const id = await withSwitch("forged_amount");
    expect(shop.received.at(-1)?.object).toMatchObject({ id, amount: { value: "100000.00" } });
    expect(await lane.client.getPayment(id)).toMatchObject({ amountKopecks: 14_900 });
    await withSwitch("forged_id");
    const invented = String(shop.received.at(-1)?.object.id);
    expect(await lane.client.getPayment(invented)).toBeNull();
    const cancelled = await lane.client.createPayment(order());
    lane.emulator.faults.set("yookassa.notify", { mode: "forged_status", times: 1 });
    lane.emulator.cancel(cancelled.id);
    await lane.emulator.notices.tried();
    expect(shop.received.at(-1)).toMatchObject({ event: "payment.succeeded", object: { status: "succeeded" } });
    expect(await lane.client.getPayment(cancelled.id)).toMatchObject({ status: "canceled" });
    await withSwitch("forged_order");
    expect(shop.received.at(-1)?.object.metadata).not.toHaveProperty("user_id");
  });

  test("foreign_source comes from elsewhere, the odd shapes are no notices", async () => {
    await withSwitch("foreign_source");
    expect(shop.received.at(-1)?.source).toBe("198.51.100.66");
    await withSwitch("unknown_shape");
    await withSwitch("not_json");
    expect(shop.received.slice(-2).map(({ text }) => parseNotice(text))).toEqual([null, null]);
  });

  test("the payer may pay, and the notice arrive, before the create is answered", async () => {
    lane.emulator.faults.set("yookassa.payer", { mode: "before_answer", times: 1 });
    const seen: string[] = [];
    shop.answer = () => {
      seen.push("notice");
      return new Response("ok");
    };
    const payment = await lane.client.createPayment(order());
    seen.push("answer");
    expect(seen).toEqual(["notice", "answer"]);
    expect(payment).toMatchObject({ status: "succeeded" });
  });

  test("a payer may also pay right after the answer, or be declined", async () => {
    lane.emulator.faults.set("yookassa.payer", { mode: "at_once", times: 1 });
    const { id, status } = await lane.client.createPayment(order());
    expect(status).toBe("pending");
    await until(() => shop.received.length === 1, "the notice");
    expect(shop.received[0]?.object).toMatchObject({ id, status: "succeeded" });
    lane.emulator.faults.set("yookassa.payer", { mode: "declined", times: 1 });
    await lane.client.createPayment(order());
    await until(() => shop.received.length === 2, "the second notice");
    expect(shop.received[1]?.event).toBe("payment.canceled");
  });

  test("anything can be posted by hand, so many times at once, and the answers are told", async () => {
    const id = await paid();
    shop.answer = () => new Response(null, { status: 503 });
    const notify = async (body: unknown): Promise<{ statuses: number[] }> => {
      const answer = await fetch(`${lane.emulator.origin}/_notify`, { method: "POST", body: JSON.stringify(body) });
      return (await answer.json()) as { statuses: number[] };
    };
    expect(await notify({ id, copies: 5 })).toEqual({ statuses: [503, 503, 503, 503, 503] });
    expect(shop.received.at(-1)).toMatchObject({ event: "payment.succeeded", object: { id } });
    await notify({ body: { made: "up" }, source: "203.0.113.9" });
    expect(shop.received.at(-1)).toMatchObject({ text: '{"made":"up"}', source: "203.0.113.9" });
    expect(lane.emulator.stats().notices.waiting).toBe(0);
  });
});
