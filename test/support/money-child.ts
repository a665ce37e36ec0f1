import { openContext } from "../../src/context.ts";
import { refundPayment } from "../../src/features/billing/index.ts";
import { orderPayment } from "../../src/features/billing/payments/orders.ts";
import { ownPayment } from "../../src/features/billing/payments/payment-view.ts";
import { takeNotice } from "../../src/features/billing/payments/payment-webhook.ts";
import { askProvider } from "../../src/features/billing/payments/payments.ts";
import { findOrCreateUser } from "../../src/features/profile/index.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { once } from "../../src/platform/http/idempotency.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { withKillPoints } from "./kill-points.ts";

/**
 * One person buys a pack and gets a third of the money back, as the routes and commands do it, each step under its own
 * key. The process kills itself when the point `killAt` is reached; with 0 it runs to its end and prints how many there are.
 */
interface Input {
  environment: Record<string, string>;
  emulator: string;
  killAt: number;
  /** How far the clock stands ahead: whoever comes after a crash comes later. */
  aheadMs: number;
}

const input = JSON.parse(process.argv[2] ?? "") as Input;
const environment = new Map<string, EnvironmentValue>(
  Object.entries(input.environment).map(([name, value]) => [name, { value, source: "environment" }]),
);
const { settings } = loadSettings(environment, { serving: true });
const open = await openContext(settings, {
  log: silentLog,
  clock: { now: () => new Date(Date.now() + input.aheadMs) },
});
let points = 0;
const ctx = withKillPoints(open, (point) => {
  points = point;
  if (point === input.killAt) process.kill(process.pid, "SIGKILL");
});

const { user } = await findOrCreateUser(ctx, { telegramId: 77, firstName: "Test" });
const ordered = await once(ctx, { userId: user.id, key: "tap", route: "create", body: null }, async (tx) => ({
  answer: (await orderPayment(tx, { userId: user.id, product: "pack_60", returnUrl: "https://example.org/" })).id,
  status: 201,
}));
let payment = await ownPayment(ctx, user.id, ordered.answer);
if (payment.status === "pending" && payment.confirmationUrl === null) payment = await askProvider(ctx, payment);
// The person pays, unless they have: then the page says so.
await fetch(`${input.emulator}/_pay/${payment.yookassaId}`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: "{}",
});
await takeNotice(ctx, {
  address: "127.0.0.1",
  body: { type: "notification", event: "payment.succeeded", object: { id: payment.yookassaId } },
});
payment = await ownPayment(ctx, user.id, payment.id);
await refundPayment(ctx, { payment, amountKopecks: 13_300, reason: "a third", key: "owner-1" });
process.stdout.write(`points ${points}\n`);
await open.close();
process.exit(0);
