import { expect } from "bun:test";
import { after, DAY_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import type { Scene } from "./scene.ts";

/** The story of one person's money, in stages that each begin where the one before has ended. */
export const STAGES = ["pay", "renew", "refund"] as const;
export type StageName = (typeof STAGES)[number];

const acts: Record<StageName, (scene: Scene) => Promise<void>> = { pay, renew, refund };

/** Plays a stage to its end and lets the owner reconcile; returns the points that the stage itself has reached. */
export async function play(scene: Scene, stage: StageName): Promise<readonly string[]> {
  await acts[stage](scene);
  await scene.settle();
  const points = scene.points();
  expect(await scene.command("reconcile")).toEqual({ code: 0, stderr: "" });
  expect(await scene.command("ledger", "verify")).toEqual({ code: 0, stderr: "" });
  return points;
}

interface PaymentView {
  id: string;
  product: string;
  status: string;
  refunded: string;
  confirmation_url?: string;
}

interface SubscriptionAnswer {
  subscription: { state: string; ends_at: string; next_charge_at: string | null } | null;
}

/** The person buys a pack and a plan on the provider's page, and lets the card be stored. */
async function pay(scene: Scene): Promise<void> {
  const orders = [
    { key: "tap-on-the-pack", json: { product: "pack_60" } },
    { key: "tap-on-the-plan", json: { product: "basic", save_method: true } },
  ];
  for (const { key, json } of orders) {
    const headers = { "idempotency-key": key };
    const { payment } = await scene.ask<{ payment: PaymentView }>(201, "/payments/create", {
      method: "POST",
      json,
      headers,
    });
    const page = new URL(payment.confirmation_url ?? "");
    scene.shop.pay(page.searchParams.get("orderId") ?? "");
    await scene.deliverNotices();
    await scene.see<PaymentView>(`/payments/${payment.id}`, ({ status }) => status === "succeeded");
  }
}

/** A month later: the person is told, a day on the stored card is charged, and what was left of the first month expires. */
async function renew(scene: Scene): Promise<void> {
  const end = await scene.paidUntil();
  await scene.serveAt(after(end, -DAY_MS - 9 * MINUTE_MS));
  const { subscription } = await scene.see<SubscriptionAnswer>(
    "/subscription",
    (answer) => typeof answer.subscription?.next_charge_at === "string",
  );
  await scene.settle();
  // Before the end: but a server that is killed there or was before comes behind it, and finds grace.
  await scene.serveAt(after(new Date(subscription?.next_charge_at ?? ""), 6 * MINUTE_MS));
  await scene.see<SubscriptionAnswer>("/subscription", (answer) => {
    return answer.subscription?.state === "active" && new Date(answer.subscription.ends_at) > end;
  });
  await scene.settle();
  // Behind the next run of the hourly cleanup, too.
  await scene.serveAt(after(end, 30 * MINUTE_MS));
  await scene.see<{ items: { kind: string }[] }>("/balance/entries", ({ items }) =>
    items.some(({ kind }) => kind === "expire"),
  );
}

/** The owner gives a third of the pack back, and the second month of the plan whole. */
async function refund(scene: Scene): Promise<void> {
  const { items } = await scene.ask<{ items: PaymentView[] }>(200, "/payments");
  const [month] = items.filter(({ product }) => product === "basic");
  const [pack] = items.filter(({ product }) => product === "pack_60");
  const refunds = [
    { payment: pack, amount: "133.00", key: "a-third-of-the-pack" },
    { payment: month, amount: "299.00", key: "the-second-month" },
  ];
  for (const { payment, amount, key } of refunds) {
    const id = payment?.id ?? "";
    const ended = await scene.command("refund", id, "--amount", amount, "--key", key);
    expect(ended).toEqual({ code: 0, stderr: "" });
    await scene.deliverNotices();
    await scene.see<PaymentView>(`/payments/${id}`, ({ refunded }) => refunded === amount);
  }
}
