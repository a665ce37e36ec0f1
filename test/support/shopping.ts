import { expect } from "bun:test";
import { creditsOf, getAs, setFaults } from "./app-calls.ts";
import type { AppStage } from "./app-stage.ts";
import type { AppTab } from "./app-tab.ts";

/** What stories of the shop do beside the page: by HTTP only, so that they can be told of any server with a sandbox. */

const GOOD_CARD = { name: "Оплата пройдёт MasterCard 5555 5555 5555 4444", number: "5555555555554444" };

export interface PaymentSeen {
  id: string;
  status: string;
  product: string;
  amount: string;
  confirmation_url?: string;
}

export interface Shopping {
  get<Answer>(personId: number, path: string): Promise<Answer>;
  credits(personId: number): Promise<number>;
  payments(personId: number): Promise<PaymentSeen[]>;
  /** Orders without the page. */
  order(personId: number, product: string): Promise<PaymentSeen>;
  /** Pays an open order on its page, in another window. */
  pay(personId: number, paymentId: string): Promise<void>;
  /** Gives the money back in the provider's cabinet, of an order as it was answered while it was open. */
  refund(payment: PaymentSeen, amount?: string): Promise<void>;
  /** What the provider does wrong next, once. */
  fault(name: string, mode: string): Promise<void>;
}

/** What is done on the stage that is set when it is asked for. */
export function shoppingOn(stage: () => AppStage): () => Shopping {
  return () => shoppingAt(stage());
}

function shoppingAt(stage: AppStage): Shopping {
  const { base } = stage.server;
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const get = <Answer>(personId: number, path: string) => getAs<Answer>(stage, personId, path);
  return {
    get,
    credits: (personId) => creditsOf(stage, personId),
    payments: async (personId) => (await get<{ items: PaymentSeen[] }>(personId, "/payments")).items,
    async order(personId, product) {
      const answer = await post("/api/v1/payments/create", { product }, await stage.signIn(personId));
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { payment: PaymentSeen }).payment;
    },
    async pay(personId, paymentId) {
      const { confirmation_url: page = "" } = await get<PaymentSeen>(personId, `/payments/${paymentId}`);
      await fetch(page, { method: "POST", body: new URLSearchParams({ card: GOOD_CARD.number }), redirect: "manual" });
    },
    async refund({ confirmation_url: page = "" }, amount) {
      const id = new URL(page).searchParams.get("orderId");
      const answer = await post(`/sandbox/yookassa/_refund/${id}`, amount === undefined ? {} : { amount });
      expect(answer.status).toBe(200);
    },
    fault: async (name, mode) => void (await setFaults(stage, "yookassa", { [name]: { mode, times: 1 } })),
  };
}

export const onPayPage = (tab: AppTab) => tab.page.waitForURL(/\/sandbox\/yookassa\/pay\//);

/** Orders by a button of the page; ends on the pay page. */
export async function buy(tab: AppTab, name: string | RegExp): Promise<void> {
  await tab.press(name);
  await onPayPage(tab);
}

export const payHere = (tab: AppTab) => tab.press(GOOD_CARD.name);

export const title = (tab: AppTab, text: string | RegExp) =>
  tab.page.getByRole("heading", { level: 1, name: text }).waitFor();
