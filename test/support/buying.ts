import { and, eq } from "drizzle-orm";
import { payments } from "../../src/features/billing/index.ts";
import type { Person, TestApp } from "./app.ts";

/** A payment as the API shows it. */
export interface PaymentAnswer {
  id: string;
  status: string;
  product: string;
  amount: string;
  amount_kopecks: number;
  refunded: string;
  credits: number;
  confirmation_url?: string;
}

/** Taps "buy" and returns the answer as it came. */
export function buy(
  app: TestApp,
  person: Person,
  product: string,
  more: { saveMethod?: boolean; key?: string } = {},
): Promise<Response> {
  return app.request("/payments/create", {
    method: "POST",
    as: person,
    json: { product, ...(more.saveMethod === undefined ? {} : { save_method: more.saveMethod }) },
    headers: more.key === undefined ? {} : { "idempotency-key": more.key },
  });
}

/** Orders and expects that this works. */
export async function orderProduct(
  app: TestApp,
  person: Person,
  product: string,
  more: { saveMethod?: boolean } = {},
): Promise<PaymentAnswer> {
  const response = await buy(app, person, product, more);
  if (response.status !== 201) throw new Error(`create answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { payment: PaymentAnswer }).payment;
}

/** The row of an order. */
export async function orderRow(app: TestApp, id: string) {
  const [found] = await app.ctx.db.select().from(payments).where(eq(payments.id, id));
  if (!found) throw new Error("there is no such order");
  return found;
}

/** The provider's id of an order. */
export async function remoteId(app: TestApp, id: string): Promise<string> {
  const { yookassaId } = await orderRow(app, id);
  if (yookassaId === null) throw new Error("the provider does not know the order yet");
  return yookassaId;
}

/** Posts a notice as the provider would, from an address of its own list or another. */
export function postNotice(
  app: TestApp,
  object: Record<string, unknown>,
  more: { event?: string; from?: string } = {},
): Promise<Response> {
  const { event = "payment.succeeded", from } = more;
  return app.request("/payments/webhook", {
    method: "POST",
    json: { type: "notification", event, object },
    headers: from === undefined ? {} : { "x-forwarded-for": from },
  });
}

/** Orders, pays on the provider's page, and lets the notice come. */
export async function pay(
  app: TestApp,
  person: Person,
  product: string,
  more: { saveMethod?: boolean } = {},
): Promise<PaymentAnswer> {
  const payment = await orderProduct(app, person, product, more);
  const paid = app.yooKassa.pay(await remoteId(app, payment.id));
  const { status } = await postNotice(app, paid);
  if (status !== 200) throw new Error(`the notice was answered with ${status}`);
  return payment;
}

/** The person's succeeded payments, oldest first. */
export function succeededPayments(app: TestApp, person: Person) {
  return app.ctx.db
    .select()
    .from(payments)
    .where(and(eq(payments.userId, person.id), eq(payments.status, "succeeded")))
    .orderBy(payments.id);
}
