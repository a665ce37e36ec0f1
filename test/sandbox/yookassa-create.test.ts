import { describe, expect, test } from "bun:test";
import { useYooKassaLane } from "./yookassa-lane.ts";
import { BODY, rawCalls } from "./yookassa-raw.ts";

const lane = useYooKassaLane();
const { create } = rawCalls(lane);

describe("what a create must say", () => {
  const cases: [what: string, more: Record<string, unknown>, parameter: string][] = [
    ["no amount", { amount: undefined }, "amount"],
    ["a number for an amount", { amount: { value: 149, currency: "RUB" } }, "amount.value"],
    ["no decimals", { amount: { value: "149", currency: "RUB" } }, "amount.value"],
    ["three decimals", { amount: { value: "149.000", currency: "RUB" } }, "amount.value"],
    ["a comma", { amount: { value: "149,00", currency: "RUB" } }, "amount.value"],
    ["nothing to pay", { amount: { value: "0.00", currency: "RUB" } }, "amount.value"],
    ["a negative sum", { amount: { value: "-1.00", currency: "RUB" } }, "amount.value"],
    ["more than a card takes", { amount: { value: "350000.01", currency: "RUB" } }, "amount.value"],
    ["dollars", { amount: { value: "149.00", currency: "USD" } }, "amount.currency"],
    ["too long a description", { description: "x".repeat(129) }, "description"],
    ["too many pairs", { metadata: Object.fromEntries([...Array(17)].map((_, n) => [`k${n}`, "v"])) }, "metadata"],
    ["a number in metadata", { metadata: { order_id: 7 } }, "metadata"],
    ["no confirmation", { confirmation: undefined }, "confirmation"],
    ["an unknown confirmation", { confirmation: { type: "smoke" } }, "confirmation.type"],
    ["no way back", { confirmation: { type: "redirect" } }, "confirmation.return_url"],
    ["a relative way back", { confirmation: { type: "redirect", return_url: "/a" } }, "confirmation.return_url"],
    ["SBP in a test shop", { payment_method_data: { type: "sbp" } }, "payment_method_data.type"],
    ["an unknown stored method", { payment_method_id: "nobody", confirmation: undefined }, "payment_method_id"],
    ["a spent token", { payment_token: "eyJ0", confirmation: undefined }, "payment_token"],
  ];
  for (const [what, more, parameter] of cases) {
    test(`${what} is refused at ${parameter}`, async () => {
      const answer = await create({ ...BODY, ...more });
      expect(answer).toMatchObject({ status: 400, body: { type: "error", code: "invalid_request", parameter } });
      expect(lane().made()).toBe(0);
    });
  }

  test("the least of it is enough, and without capture money is only held", async () => {
    const { capture: _, ...held } = BODY;
    const { body } = await create(held);
    expect(body).toMatchObject({ status: "pending", metadata: {}, paid: false, refundable: false });
    expect(lane().emulator.pay(String(body.id))).toMatchObject({ status: "waiting_for_capture", paid: true });
  });

  test("where receipts are switched on, each payment needs one", async () => {
    lane().emulator.configure({ fiscalization: true });
    expect(await create(BODY)).toMatchObject({ status: 400, body: { description: "Receipt is missing or illegal" } });
    expect((await create({ ...BODY, receipt: { items: [] } })).status).toBe(200);
  });

  test("a live shop takes SBP, up to its own limit", async () => {
    lane().emulator.configure({ test: false });
    const sbp = { ...BODY, amount: { value: "700000.00", currency: "RUB" }, payment_method_data: { type: "sbp" } };
    expect(await create(sbp)).toMatchObject({ status: 200, body: { test: false } });
    expect((await create({ ...sbp, amount: { value: "700000.01", currency: "RUB" } })).status).toBe(400);
  });
});
