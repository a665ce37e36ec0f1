import { asc, eq } from "drizzle-orm";
import { type Payment, payments, taxEntries } from "../../src/features/billing/index.ts";
import { taxDesks, taxFilings } from "../../src/features/billing/tax/tax-tables.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { type LknpdEmulator, startLknpdEmulator } from "../../src/sandbox/lknpd.ts";
import { type Person, startTestApp, type TestApp, type TestAppOptions } from "./app.ts";
import { createTestClock } from "./clock.ts";

export interface TaxApp {
  app: TestApp;
  lknpd: LknpdEmulator;
  person: Person;
}

/** The product with a login for the emulated tax service, and somebody who buys. */
export async function startTaxApp(options: TestAppOptions = {}): Promise<TaxApp> {
  const clock = options.clock ?? createTestClock();
  const lknpd = await startLknpdEmulator({ clock });
  const settings = {
    MY_TAX_INN: lknpd.inn,
    MY_TAX_PASSWORD: lknpd.password,
    MY_TAX_API_URL: lknpd.url,
    ...options.settings,
  };
  const app = await startTestApp({ ...options, clock, settings });
  return { app, lknpd, person: await app.signIn() };
}

/** Buys a pack and pays for it; the notice comes at once. */
export async function sell(app: TestApp, person: Person, product = "pack_20"): Promise<Payment> {
  const response = await app.request("/payments/create", { method: "POST", as: person, json: { product } });
  if (response.status !== 201) throw new Error(`create answered ${response.status}: ${await response.text()}`);
  const { payment } = (await response.json()) as { payment: { id: string } };
  const remoteId = (await paymentRow(app, payment.id)).yookassaId ?? "";
  const object = app.yooKassa.pay(remoteId);
  await notify(app, object);
  return paymentRow(app, payment.id);
}

/** Sends a notice as the provider would. */
export function notify(app: TestApp, object: Record<string, unknown>, event = "payment.succeeded"): Promise<Response> {
  return app.request("/payments/webhook", {
    method: "POST",
    json: { type: "notification", event, object },
  });
}

export async function paymentRow(app: TestApp, id: string): Promise<Payment> {
  const [row] = await app.ctx.db.select().from(payments).where(eq(payments.id, id));
  if (!row) throw new Error("there is no such order");
  return row;
}

/** One run of the connector's job, through the queue. */
export async function file(app: TestApp): Promise<void> {
  await enqueue(app.ctx, "tax.file", {});
  await app.work();
}

/** Runs the connector's job once a minute, as the schedule does, for some time of the test's clock. */
export async function fileFor(app: TestApp, minutes: number): Promise<void> {
  for (let n = 0; n < minutes; n += 1) {
    app.clock.advance(60_000);
    await file(app);
  }
}

/** The journal, oldest first. */
export const journal = (app: TestApp) => app.ctx.db.select().from(taxEntries).orderBy(asc(taxEntries.id));
export const filings = (app: TestApp) => app.ctx.db.select().from(taxFilings).orderBy(asc(taxFilings.entryId));

export async function desk(app: TestApp) {
  const [row] = await app.ctx.db.select().from(taxDesks);
  if (!row) throw new Error("nobody ever worked at the desk");
  return row;
}

/** What the owner was told, the oldest first. */
export async function alerts(app: TestApp): Promise<string[]> {
  const rows = await app.ctx.db.select().from(ownerAlerts).orderBy(asc(ownerAlerts.createdAt), asc(ownerAlerts.id));
  return rows.map(({ reason }) => reason);
}

/** The receipts at the emulator that stand. */
export function live(lknpd: LknpdEmulator): Record<string, unknown>[] {
  return lknpd.stats().receipts.filter((receipt) => receipt.cancellationInfo === null);
}

/** How often the emulator was asked to do this. */
export function asked(lknpd: LknpdEmulator, ending: string): number {
  return lknpd.stats().calls.filter(({ path }) => path.endsWith(ending)).length;
}
