import { afterAll, expect, test } from "bun:test";
import { payments, reconcile, sweepMoney, watchPaymentProvider } from "../../src/features/billing/index.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { FAILURES_TO_OPEN, OPEN_MS } from "../../src/providers/payment-breaker.ts";
import { PROVIDER_TRIES } from "../../src/providers/retry.ts";
import { startYooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { lane } from "../support/database.ts";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { until } from "../support/until.ts";

const DOWN = "payment_provider_down";
const BACK = "payment_provider_back";

async function start(options: Parameters<typeof startTestApp>[0] = {}): Promise<TestApp> {
  const app = await startTestApp(options);
  watchPaymentProvider(app.ctx);
  return app;
}

/** The answer to an order by somebody new. */
async function order(app: TestApp): Promise<Response> {
  const as = await app.signIn();
  return app.request("/payments/create", { method: "POST", as, json: { product: "pack_20" } });
}

async function meetOutage(app: TestApp): Promise<void> {
  app.yooKassa.faults.set("yookassa.edge", { mode: "edge_502" });
  const answers = await Promise.all(Array.from({ length: FAILURES_TO_OPEN }, () => order(app)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
}

async function alertsOf(app: Pick<TestApp, "ctx">): Promise<string[]> {
  const rows = await app.ctx.db.select().from(ownerAlerts).orderBy(ownerAlerts.createdAt, ownerAlerts.id);
  return rows.map(({ reason }) => reason);
}

async function untilAlerts(app: Pick<TestApp, "ctx">, expected: string[]): Promise<void> {
  const areThere = async () => (await alertsOf(app)).length >= expected.length;
  await until(areThere, `the owner was told ${expected.join(", ")}`);
  expect(await alertsOf(app)).toEqual(expected);
}

const callsOf = (app: TestApp): number => app.yooKassa.stats().calls.length;
const looksOf = async (app: TestApp) => (await app.ctx.db.select().from(payments)).map(({ checks }) => checks);

test("P8 while the payment provider is out buyers are told at once, sweeps wait, notices come again, all else works; then orders get their pages", async () => {
  const app = await start();
  const early = await app.signIn();
  const create = { method: "POST", as: early, json: { product: "pack_20" } };
  expect((await app.request("/payments/create", create)).status).toBe(201);
  const [known] = await app.ctx.db.select().from(payments);
  const paid = app.yooKassa.pay(known?.yookassaId ?? "");
  await meetOutage(app);
  await untilAlerts(app, [DOWN]);

  const before = callsOf(app);
  const refused = await order(app);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: "payment_provider_unavailable" });
  expect(refused.headers.get("retry-after")).toBe("10");
  const notice = { type: "notification", event: "payment.succeeded", object: paid };
  expect((await app.request("/payments/webhook", { method: "POST", json: notice })).status).toBe(503);
  const looks = await looksOf(app);
  await app.ctx.db.update(payments).set({ nextCheckAt: app.clock.now() });
  await sweepMoney(app.ctx);
  await expect(reconcile(app.ctx)).rejects.toThrow("has not been answering");
  expect(await looksOf(app)).toEqual(looks);
  expect(callsOf(app)).toBe(before);
  for (const path of ["/plans", "/balance", "/payments", "/health/ready", "/profile"]) {
    expect([path, (await app.request(path, { as: early })).status]).toEqual([path, 200]);
  }

  // It goes on: one call in its three tries finds that out, and the owner hears nothing new.
  app.clock.advance(OPEN_MS);
  expect((await order(app)).status).toBe(503);
  expect(callsOf(app)).toBe(before + PROVIDER_TRIES);
  app.yooKassa.faults.clear();
  app.clock.advance(MINUTE_MS);
  await sweepMoney(app.ctx);
  await untilAlerts(app, [DOWN, BACK]);
  const orders = await app.ctx.db.select().from(payments);
  expect(orders).toHaveLength(1 + FAILURES_TO_OPEN + 2);
  expect(orders.filter(({ yookassaId }) => yookassaId === null)).toEqual([]);
  expect(app.yooKassa.stats().payments).toHaveLength(orders.length);
  expect((await app.request("/payments/webhook", { method: "POST", json: notice })).status).toBe(200);
}, 60_000);

test("P8 an outage that two processes meet is told once, and its end too, even by a process that has started since", async () => {
  const one = await start();
  const two = await start({ database: one.database, clock: one.clock });
  await Promise.all([meetOutage(one), meetOutage(two)]);
  await untilAlerts(one, [DOWN]);
  for (const app of [one, two]) app.clock.advance(OPEN_MS);
  await Promise.all([order(one), order(two)]);

  const three = await start({ database: one.database, clock: one.clock });
  expect((await order(three)).status).toBe(201);
  await untilAlerts(one, [DOWN, BACK]);
  for (const app of [one, two]) app.yooKassa.faults.clear();
  one.clock.advance(OPEN_MS);
  expect((await order(one)).status).toBe(201);
  expect((await order(two)).status).toBe(201);
  await Bun.sleep(50);
  expect(await alertsOf(one)).toEqual([DOWN, BACK]);
}, 60_000);

test("P8 a running server tells of an outage", async () => {
  const shop = await startYooKassaEmulator();
  afterAll(() => shop.stop());
  const deployment = await deploy({
    settings: {
      YOOKASSA_SHOP_ID: shop.shopId,
      YOOKASSA_SECRET_KEY: shop.secretKey,
      YOOKASSA_API_URL: shop.url,
    },
  });
  await deployment.start(lane === "postgres" ? "api" : "all");
  shop.faults.set("yookassa.edge", { mode: "edge_502" });
  const orderOf = async () =>
    (await signInAt(deployment.url)).request("/payments/create", { method: "POST", json: { product: "pack_20" } });
  await Promise.all(Array.from({ length: FAILURES_TO_OPEN }, orderOf));
  await deployment.inside((ctx) => untilAlerts({ ctx }, [DOWN]));
  await deployment.close();
}, 60_000);
