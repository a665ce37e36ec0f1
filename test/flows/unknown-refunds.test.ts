import { expect, test } from "bun:test";
import { type Payment, refundPayment, refunds, verifyLedger } from "../../src/features/billing/index.ts";
import { sweepRefunds } from "../../src/features/billing/payments/refund-sweep.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { PROVIDER_TRIES } from "../../src/providers/retry.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { alerts, paidFor, row } from "../support/buying.ts";

/** A refund of which nobody knows whether the money went: until that is known it is neither given up nor made once more. */

const CALLS = ["yookassa.refund", "yookassa.read", "yookassa.list"];

/** A refund is ordered, and what its one call meets is `mode`, at each try. */
async function refundedInto(mode: string) {
  const app = await startTestApp();
  const payment = await paidFor(app, await app.signIn());
  app.yooKassa.faults.set("yookassa.refund", { mode, times: PROVIDER_TRIES });
  const refund = await order(app, payment);
  return { app, payment, refund };
}

function order(app: TestApp, payment: Payment) {
  return refundPayment(app.ctx, { payment, amountKopecks: 10_000, reason: "x", key: "r-1" });
}

function lockOut(app: TestApp): void {
  for (const call of CALLS) app.yooKassa.faults.set(call, { mode: "http_401" });
}

async function later(app: TestApp, ms: number): Promise<void> {
  app.clock.advance(ms);
  await sweepRefunds(app.ctx);
}

const stateOf = async (app: TestApp) => (await app.ctx.db.select().from(refunds)).map(({ status }) => status);
const sentBy = (app: TestApp) => app.yooKassa.stats().refunds.length;

async function once(app: TestApp, payment: Payment): Promise<void> {
  expect([await stateOf(app), sentBy(app)]).toEqual([["succeeded"], 1]);
  expect(await row(app, payment.id)).toMatchObject({ refundedKopecks: 10_000 });
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}

test("P13 a refund whose answer was lost, and whose repetition meets a refused login, stays open until the login works", async () => {
  const { app, payment } = await refundedInto("executed_500");
  lockOut(app);
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await later(app, 6 * MINUTE_MS);
  expect(await order(app, payment)).toMatchObject({ status: "pending" });
  // It counts as given back meanwhile: the whole cannot be ordered beside it.
  const whole = { payment, amountKopecks: 39_900, reason: "y" };
  await expect(refundPayment(app.ctx, whole)).rejects.toThrow("Of this payment 299 ₽ can be given back");
  app.yooKassa.faults.clear();
  await later(app, 6 * MINUTE_MS);
  await once(app, payment);
}, 60_000);

test("P13 such a refund is found once its key is forgotten and the provider's list can be read again", async () => {
  const { app, payment } = await refundedInto("executed_500");
  lockOut(app);
  await later(app, 25 * HOUR_MS);
  await later(app, HOUR_MS);
  expect(await stateOf(app)).toEqual(["pending"]);
  app.yooKassa.faults.clear();
  await later(app, HOUR_MS);
  await once(app, payment);
}, 60_000);

test("P13 such a refund is looked for when its repetition is refused", async () => {
  const { app, payment } = await refundedInto("executed_500");
  app.yooKassa.faults.set("yookassa.refund", { mode: "http_400" });
  app.yooKassa.faults.set("yookassa.list", { mode: "http_401", times: 1 });
  await later(app, 6 * MINUTE_MS);
  expect(await stateOf(app)).toEqual(["pending"]);
  await later(app, 6 * MINUTE_MS);
  await once(app, payment);
}, 60_000);

test("P13 refused, and not in the provider's list: it is given up only when it must have been listed by then", async () => {
  const { app, payment } = await refundedInto("http_500");
  app.yooKassa.faults.set("yookassa.refund", { mode: "http_400" });
  app.clock.advance(2 * MINUTE_MS);
  expect(await order(app, payment)).toMatchObject({ status: "pending" });
  await later(app, 4 * MINUTE_MS);
  expect([await stateOf(app), sentBy(app)]).toEqual([["cancelled"], 0]);
  expect(await alerts(app)).toEqual(["refund_never_made"]);
  expect(await row(app, payment.id)).toMatchObject({ refundedKopecks: 0 });
}, 60_000);

test("P13 refused at the very first time: nothing was done, and it ends at once", async () => {
  for (const mode of ["http_401", "http_400"]) {
    const { app, payment, refund } = await refundedInto(mode);
    expect([mode, refund.status, sentBy(app)]).toEqual([mode, "cancelled", 0]);
    app.yooKassa.faults.clear();
    const again = await refundPayment(app.ctx, { payment, amountKopecks: 39_900, reason: "y" });
    expect([mode, again.status, sentBy(app)]).toEqual([mode, "succeeded", 1]);
  }
});
