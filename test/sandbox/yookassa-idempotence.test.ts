import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../src/platform/clock.ts";
import { useYooKassaLane } from "./yookassa-lane.ts";
import { BODY, rawCalls } from "./yookassa-raw.ts";

const lane = useYooKassaLane();
const { call, create } = rawCalls(lane);

describe("the idempotence key", () => {
  test("P12 gives the first answer again for the same request, whatever the order of its members", async () => {
    const first = await create(BODY, "k1");
    const { capture, confirmation } = BODY;
    const again = await create({ confirmation, capture, amount: { currency: "RUB", value: "149.00" } }, "k1");
    expect(again).toEqual(first);
    expect(lane().made()).toBe(1);
  });

  test("stands for one shop, one path and one body", async () => {
    await create(BODY, "k1");
    const refused = await create({ ...BODY, description: "other" }, "k1");
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request", parameter: "Idempotence-Key" } });
    const elsewhere = await call("POST", "/refunds", { body: BODY, key: "k1" });
    expect(elsewhere).toMatchObject({ status: 400, body: { parameter: "Idempotence-Key" } });
    const { shopId, secretKey } = lane().emulator.otherShop;
    const other = await call("POST", "/payments", { body: BODY, key: "k1", auth: btoa(`${shopId}:${secretKey}`) });
    expect(other.status).toBe(200);
    expect(lane().made()).toBe(2);
  });

  test("is forgotten after a day, and then makes a second payment", async () => {
    const first = await create(BODY, "k1");
    await lane().emulator.advance(DAY_MS - 1);
    expect((await create(BODY, "k1")).body.id).toBe(first.body.id as string);
    await lane().emulator.advance(1);
    expect((await create(BODY, "k1")).body.id).not.toBe(first.body.id as string);
  });

  test("gives a snapshot, or with a switch the payment as it is now", async () => {
    const { body } = await create(BODY, "k1");
    lane().emulator.pay(String(body.id));
    expect((await create(BODY, "k1")).body.status).toBe("pending");
    lane().emulator.faults.set("yookassa.replay", { mode: "current" });
    expect((await create(BODY, "k1")).body.status).toBe("succeeded");
  });

  test("is demanded wherever money moves, with a sensible length", async () => {
    for (const key of [null, "", "k".repeat(65), "a b"]) {
      expect(await create(BODY, key)).toMatchObject({ status: 400, body: { parameter: "Idempotence-Key" } });
    }
    expect((await create(BODY, "k".repeat(64))).status).toBe(200);
    expect((await call("POST", "/refunds", { body: {}, key: null })).body.parameter).toBe("Idempotence-Key");
  });

  test("keeps a refusal too, so that a mended body needs a new key", async () => {
    const wrong = { ...BODY, amount: { value: "149", currency: "RUB" } };
    expect((await create(wrong, "k1")).status).toBe(400);
    expect((await create(BODY, "k1")).body.parameter).toBe("Idempotence-Key");
    expect((await create(BODY, "k2")).status).toBe(200);
  });
});
