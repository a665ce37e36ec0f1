import { expect, test } from "bun:test";
import { openContext } from "../../src/context.ts";
import { taxEntries } from "../../src/features/billing/index.ts";
import { orderPayment } from "../../src/features/billing/payments/orders.ts";
import { askProvider } from "../../src/features/billing/payments/payment-asks.ts";
import { takeNotice } from "../../src/features/billing/payments/payment-webhook.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { findOrCreateUser } from "../../src/features/profile/index.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { startKieEmulator } from "../../src/sandbox/kie.ts";
import { type LknpdEmulator, startLknpdEmulator } from "../../src/sandbox/lknpd.ts";
import { startYooKassaEmulator, type YooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { testEnvironment } from "../support/app.ts";
import { startChild } from "../support/child.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { isThisLanes } from "../support/kill/share.ts";

const AT_ONCE = 2;

async function environmentOf(database: TestDatabase, shop: YooKassaEmulator, lknpd: LknpdEmulator) {
  const kie = await startKieEmulator({ images: { composeOnto: never, adjust: never } });
  await kie.stop();
  return testEnvironment(database, kie, {
    YOOKASSA_SHOP_ID: shop.shopId,
    YOOKASSA_SECRET_KEY: shop.secretKey,
    YOOKASSA_API_URL: shop.url,
    MY_TAX_INN: lknpd.inn,
    MY_TAX_PASSWORD: lknpd.password,
    MY_TAX_API_URL: lknpd.url,
  });
}

async function never(): Promise<never> {
  throw new Error("no picture is made here");
}

/** What the journal says, without ids and moments; and what the tax service has. */
async function booksOf(open: Awaited<ReturnType<typeof openContext>>, lknpd: LknpdEmulator) {
  const entries = await open.ctx.db.select().from(taxEntries).orderBy(taxEntries.id);
  return {
    journal: entries.map(({ state, grossKopecks, annulDue, receiptNumber }) => {
      return { state, grossKopecks, annulDue, hasReceipt: receiptNumber !== null };
    }),
    receipts: lknpd
      .stats()
      .receipts.map(({ totalAmount, cancellationInfo }) => [totalAmount, cancellationInfo !== null]),
    alerts: await open.ctx.db.select({ reason: ownerAlerts.reason }).from(ownerAlerts),
  };
}

/** Files a sale and its partial refund on a database of its own, killed at the given point (0: never), and again after it. */
async function fileKilledAt(killAt: number) {
  const database = await createTestDatabase();
  const shop = await startYooKassaEmulator();
  const lknpd = await startLknpdEmulator();
  const environment = await environmentOf(database, shop, lknpd);
  const open = await openContext(loadSettings(environment, { serving: true }).settings, { log: silentLog });
  try {
    const { ctx } = open;
    const { user } = await findOrCreateUser(ctx, { telegramId: 77, firstName: "Test" });
    const order = await orderPayment(ctx, { userId: user.id, product: "pack_60", returnUrl: "https://example.org/" });
    const id = (await askProvider(ctx, order)).yookassaId ?? "";
    shop.pay(id);
    const body = { type: "notification", event: "payment.succeeded", object: { id } };
    await takeNotice(ctx, { address: "127.0.0.1", body });
    const values = Object.fromEntries([...environment].map(([name, { value }]) => [name, value]));
    const input = { environment: values, emulator: lknpd.origin, paymentId: order.id, killAt };
    const first = startChild("tax-child.ts", input);
    const code = await first.exited;
    if (killAt > 0) {
      expect([killAt, code]).toEqual([killAt, 137]);
      expect([killAt, await startChild("tax-child.ts", { ...input, killAt: 0 }).exited]).toEqual([killAt, 0]);
    } else expect(code).toBe(0);
    const points = Number(/points (\d+)/.exec(first.output())?.[1] ?? 0);
    return { points, books: await booksOf(open, lknpd) };
  } finally {
    await open.close();
    await lknpd.stop();
    await shop.stop();
    await database.remove();
  }
}

test("X1 X2 killed after each write, each commit and around each call of the tax service: one receipt in force, nothing twice", async () => {
  const { points, books } = await fileKilledAt(0);
  expect(books).toEqual({
    journal: [
      { state: "annulled", grossKopecks: 39_900, annulDue: false, hasReceipt: true },
      { state: "registered", grossKopecks: 26_600, annulDue: false, hasReceipt: true },
    ],
    receipts: [
      [399, true],
      [266, false],
    ],
    alerts: [],
  });
  expect(points).toBeGreaterThan(30);
  const waiting = Array.from({ length: points }, (_, n) => n + 1).filter(isThisLanes);
  const count = waiting.length;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      expect({ killedAt: next, ...(await fileKilledAt(next)).books }).toEqual({ killedAt: next, ...books });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  process.stdout.write(
    `tax: ${count} of ${points} kill points tried, each ended in the same journal and the same receipts\n`,
  );
}, 240_000);
