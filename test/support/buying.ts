import { and, eq } from "drizzle-orm";
import { payments } from "../../src/features/billing/index.ts";
import { paymentNotices } from "../../src/features/billing/payments/payment-tables.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import type { Person, TestApp } from "./app.ts";

/** A payment as its owner sees it. */
export interface PaymentView {
  id: string;
  status: string;
  amount: string;
  refunded: string;
  credits: number;
  confirmation_url?: string;
}

/** Orders; the answer may be a refusal. */
export async function buy(
  app: TestApp,
  person: Person,
  product = "pack_60",
  more: { key?: string; saveMethod?: boolean } = {},
): Promise<Response> {
  return app.request("/payments/create", {
    method: "POST",
    as: person,
    json: { product, ...(more.saveMethod === undefined ? {} : { save_method: more.saveMethod }) },
    headers: more.key === undefined ? {} : { "idempotency-key": more.key },
  });
}

/** Orders what must be given a page. */
export async function bought(
  app: TestApp,
  person: Person,
  product?: string,
  more: { saveMethod?: boolean } = {},
): Promise<PaymentView> {
  const response = await buy(app, person, product, more);
  if (response.status !== 201) throw new Error(`create answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { payment: PaymentView }).payment;
}

/** The payment as its owner sees it now. */
export async function view(app: TestApp, person: Person, id: string): Promise<PaymentView> {
  return (await (await app.request(`/payments/${id}`, { as: person })).json()) as PaymentView;
}

/** The order as it is stored. */
export async function row(app: TestApp, id: string) {
  const [found] = await app.ctx.db.select().from(payments).where(eq(payments.id, id));
  if (!found) throw new Error("there is no such order");
  return found;
}

/** What the provider calls the order. */
export async function remoteId(app: TestApp, id: string): Promise<string> {
  const { yookassaId } = await row(app, id);
  if (yookassaId === null) throw new Error("the provider does not know the order yet");
  return yookassaId;
}

/** Sends the notice as the provider would, from an address of its own list or another. */
export function notify(app: TestApp, object: Record<string, unknown>, more: { event?: string; from?: string } = {}) {
  const { event = "payment.succeeded", from } = more;
  return app.request("/payments/webhook", {
    method: "POST",
    json: { type: "notification", event, object },
    headers: from === undefined ? {} : { "x-forwarded-for": from },
  });
}

/** What came of each notice. */
export async function outcomes(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ outcome: paymentNotices.outcome }).from(paymentNotices)).map((one) => one.outcome);
}

/** What the owner was told. */
export async function alerts(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ reason: ownerAlerts.reason }).from(ownerAlerts)).map((alert) => alert.reason);
}

/** An order that was paid and whose notice has come. */
export async function paidFor(app: TestApp, person: Person, product = "pack_60", more: { saveMethod?: boolean } = {}) {
  const payment = await bought(app, person, product, more);
  await notify(app, app.yooKassa.pay(await remoteId(app, payment.id)));
  return row(app, payment.id);
}

/** The person's succeeded payments, oldest first. */
export function succeededPayments(app: TestApp, person: Person) {
  return app.ctx.db
    .select()
    .from(payments)
    .where(and(eq(payments.userId, person.id), eq(payments.status, "succeeded")))
    .orderBy(payments.id);
}
