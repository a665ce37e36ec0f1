import { expect } from "bun:test";
import { asc, eq } from "drizzle-orm";
import { verifyLedger } from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { DAY_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { liveEvents } from "../../src/platform/live/tables.ts";
import { type Person, startTestApp, type TestApp } from "./app.ts";

export const AUTOPAYMENTS = { YOOKASSA_AUTOPAYMENTS: "on", FREE_ACTIONS_PER_MONTH: "0" };
/** The test clock begins on 18 November at noon in Moscow. */
export const FIRST_END = "2026-12-18T09:00:00.000Z";
/** When the person is told: a whole day before the first try, which comes ten minutes before the end. */
export const NOTICE = -DAY_MS - 10 * MINUTE_MS;

export interface View {
  type: string;
  state: string;
  ends_at: string;
  amount: string;
  auto_renew: boolean;
  method: { title: string | null } | null;
  next_charge_at: string | null;
  next_plan: { type: string } | null;
}

export async function subscription(app: TestApp, person: Person): Promise<View | null> {
  return ((await (await app.request("/subscription", { as: person })).json()) as { subscription: View | null })
    .subscription;
}

export function act(app: TestApp, person: Person, path: string, json?: unknown): Promise<Response> {
  const method = path === "method" ? "DELETE" : "POST";
  return app.request(`/subscription/${path}`, { method, as: person, ...(json === undefined ? {} : { json }) });
}

/** Who has to sign in again when the clock jumps past the life of their token. */
export const signedIn = new Map<TestApp, Person[]>();

export async function moved(app: TestApp, moment: Date): Promise<void> {
  app.clock.set(moment);
  for (const person of signedIn.get(app) ?? []) {
    Object.assign(person, await app.signIn({ telegramId: person.telegramId }));
  }
}

export async function later(app: TestApp, ms: number): Promise<void> {
  await moved(app, new Date(app.clock.now().getTime() + ms));
}

/** Moves the clock to so long after the first end, or to a moment, and lets the recurring jobs run. */
export async function at(app: TestApp, moment: string | number): Promise<void> {
  await moved(app, new Date(typeof moment === "string" ? moment : Date.parse(FIRST_END) + moment));
  await runSubscriptions(app.ctx);
  await sweepPayments(app.ctx);
}

/** What the person was told about the subscription, oldest first. */
export async function told(app: TestApp, person: Person): Promise<string[]> {
  const rows = await app.ctx.db
    .select({ data: liveEvents.data })
    .from(liveEvents)
    .where(eq(liveEvents.userId, person.id))
    .orderBy(asc(liveEvents.number));
  return rows.map(({ data }) => String(data.about ?? "")).filter((about) => about.startsWith("subscription."));
}

export async function clean(app: TestApp): Promise<void> {
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}

export async function started(settings: Record<string, string> = {}): Promise<{ app: TestApp; person: Person }> {
  const app = await startTestApp({ settings: { ...AUTOPAYMENTS, ...settings } });
  const person = await app.signIn();
  signedIn.set(app, [person]);
  return { app, person };
}
