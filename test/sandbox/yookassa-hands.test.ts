import { describe, expect, test } from "bun:test";
import { order, useYooKassaLane } from "./yookassa-lane.ts";
import { type Answer, BODY, rawCalls } from "./yookassa-raw.ts";

const lane = useYooKassaLane();
const { create } = rawCalls(lane);

describe("the hands of payer and owner", () => {
  const post = async (path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(lane().emulator.origin + path, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test("pay, cancel and give back by HTTP", async () => {
    const { id } = await lane().client.createPayment(order());
    expect(await post(`/_pay/${id}`)).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect((await post(`/_pay/${id}`)).body.detail).toBe("The payment is succeeded already.");
    expect(await post(`/_refund/${id}`, { amount: "49.00" })).toMatchObject({ body: { amount: { value: "49.00" } } });
    expect(await post(`/_refund/${id}`)).toMatchObject({ body: { amount: { value: "100.00" }, status: "succeeded" } });
    expect((await post(`/_refund/${id}`)).status).toBe(422);
    const second = await lane().client.createPayment(order());
    expect(await post(`/_cancel/${second.id}`, { reason: "card_expired" })).toMatchObject({
      body: { status: "canceled", cancellation_details: { reason: "card_expired" } },
    });
    expect((await post("/_pay/nobody")).body.detail).toBe("There is no payment nobody.");
    expect((await post(`/_pay/${second.id}`, { card: "1" })).status).toBe(422);
    expect((await post(`/_pay/${second.id}`, { unknown: 1 })).status).toBe(422);
    expect((await fetch(`${lane().emulator.origin}/_pay/${second.id}`)).status).toBe(405);
  });

  test("P9 P11 pay another sum, in another currency, or what was cancelled already", async () => {
    const { id } = await lane().client.createPayment(order());
    lane().emulator.pay(id, { amount: "1.00", currency: "USD" });
    expect(await lane().client.getPayment(id)).toMatchObject({
      status: "succeeded",
      amountKopecks: 100,
      currency: "USD",
    });
    const second = await lane().client.createPayment(order());
    lane().emulator.cancel(second.id);
    lane().emulator.pay(second.id, { force: true });
    const paid = await lane().client.getPayment(second.id);
    expect(paid?.status).toBe("succeeded");
    expect(paid).not.toHaveProperty("cancellation");
  });

  test("settings are shown and changed by HTTP, and unknown ones refused", async () => {
    const shown = await fetch(`${lane().emulator.origin}/_settings`);
    expect(await shown.json()).toMatchObject({
      test: true,
      recurring: true,
      commissionBasisPoints: 280,
      vatPercent: 22,
    });
    expect(await post("/_settings", { publicUrl: "https://shop.example/sandbox/yookassa/" })).toMatchObject({
      status: 200,
    });
    const { confirmationUrl } = await lane().client.createPayment(order());
    expect(confirmationUrl).toStartWith("https://shop.example/sandbox/yookassa/pay/");
    expect((await post("/_settings", { colour: "red" })).status).toBe(422);
    expect((await post("/_settings", { vatPercent: 101 })).status).toBe(422);
  });

  test("what was asked is told, without credentials and bodies", async () => {
    await lane().client.createPayment(order({ requestId: "req-1" }));
    const stats = (await (await fetch(`${lane().emulator.origin}/_stats`)).json()) as Record<string, unknown>;
    expect(stats).toMatchObject({
      calls: [{ method: "POST", path: "/payments", status: 200, requestId: "req-1", replayed: false, fault: null }],
      counts: { payments: { pending: 1 }, refunds: {}, methods: 0 },
    });
    expect(JSON.stringify(stats)).not.toContain(lane().emulator.secretKey);
  });

  test("faults are set by HTTP, and unknown ones refused", async () => {
    const put = (body: unknown): Promise<Response> =>
      fetch(`${lane().emulator.origin}/_faults`, { method: "PUT", body: JSON.stringify(body) });
    expect((await put({ "yookassa.create": { mode: "http_500", times: 1 } })).status).toBe(200);
    expect((await create(BODY)).status).toBe(500);
    expect((await create(BODY)).status).toBe(200);
    expect((await put({ "yookassa.create": { mode: "explode" } })).status).toBe(422);
  });
});
