import { expect, test } from "bun:test";
import { openContext } from "../../src/context.ts";
import { reconcile, verifyLedger } from "../../src/features/billing/index.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { startKieEmulator } from "../../src/sandbox/kie.ts";
import { startYooKassaEmulator, type YooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { testEnvironment } from "../support/app.ts";
import { startChild } from "../support/child.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

/** Past the time after which the key of a request that died may be used again. */
const AFTER_THE_CRASH_MS = 3 * 60_000;
const AT_ONCE = 3;

async function environmentOf(database: TestDatabase, shop: YooKassaEmulator): Promise<Record<string, string>> {
  const kie = await startKieEmulator({ images: { composeOnto: never, adjust: never } });
  await kie.stop();
  const environment = testEnvironment(database, kie, {
    YOOKASSA_SHOP_ID: shop.shopId,
    YOOKASSA_SECRET_KEY: shop.secretKey,
    YOOKASSA_API_URL: shop.url,
  });
  return Object.fromEntries([...environment].map(([name, { value }]) => [name, value]));
}

async function never(): Promise<never> {
  throw new Error("no picture is made here");
}

/** What the books say, without ids and moments; and what the provider has. */
async function booksOf(environment: Record<string, string>, shop: YooKassaEmulator) {
  const entries = Object.entries(environment).map(([name, value]) => [name, { value, source: "environment" }] as const);
  const { settings } = loadSettings(new Map(entries), { serving: true });
  const open = await openContext(settings, { log: silentLog });
  try {
    await reconcile(open.ctx);
    const rows = (statement: string) => open.database.raw(statement);
    return {
      people: await rows("select balance_credits, reserved_credits from users"),
      payments: await rows(
        "select status, amount, tax_amount, commission_amount, refunded_amount, flagged from payments order by id",
      ),
      grants: await rows("select credits, credits_left from credit_grants"),
      entries: await rows("select kind, balance_delta, counter_delta from credit_entries order by id"),
      refunds: await rows("select status, amount, credits_revoked from refunds order by id"),
      tax: await rows("select state, gross from tax_entries order by id"),
      followUps: await rows(
        "select kind from jobs where kind in ('payment.applied', 'payment.refunded') order by kind",
      ),
      differences: (await verifyLedger(open.ctx)).differences,
      atProvider: { payments: shop.stats().payments.length, refunds: shop.stats().refunds.length },
    };
  } finally {
    await open.close();
  }
}

/** Buys and refunds on a database of its own, killed at the given point (0: never), and again after the crash. */
async function buyKilledAt(killAt: number) {
  const database = await createTestDatabase();
  const shop = await startYooKassaEmulator();
  try {
    const environment = await environmentOf(database, shop);
    const input = { environment, emulator: shop.origin, killAt, aheadMs: 0 };
    const first = startChild("money-child.ts", input);
    const code = await first.exited;
    if (killAt > 0) {
      expect([killAt, code]).toEqual([killAt, 137]);
      const second = startChild("money-child.ts", { ...input, killAt: 0, aheadMs: AFTER_THE_CRASH_MS });
      expect([killAt, await second.exited]).toEqual([killAt, 0]);
    } else expect(code).toBe(0);
    const points = Number(/points (\d+)/.exec(first.output())?.[1] ?? 0);
    return { points, books: await booksOf(environment, shop) };
  } finally {
    await shop.stop();
    await database.remove();
  }
}

test("P2 P3 killed after each write, each commit and around each provider call of buying and refunding: the books are the same", async () => {
  const { points, books } = await buyKilledAt(0);
  expect(books.differences).toEqual([]);
  expect(books.atProvider).toEqual({ payments: 1, refunds: 1 });
  expect(points).toBeGreaterThan(20);
  const waiting = Array.from({ length: points }, (_, n) => n + 1);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      expect({ killedAt: next, ...(await buyKilledAt(next)).books }).toEqual({ killedAt: next, ...books });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  process.stdout.write(
    `money: ${points} kill points tried, the books of each equal those of the run that was not killed\n`,
  );
}, 240_000);
