import { desc } from "drizzle-orm";
import { type Payment, payments, reconcile, refundPayment } from "../../src/features/billing/index.ts";
import { orderPayment } from "../../src/features/billing/payments/orders.ts";
import { askProvider } from "../../src/features/billing/payments/payment-asks.ts";
import { takeNotice } from "../../src/features/billing/payments/payment-webhook.ts";
import type { Play } from "./play.ts";
import { pick, type Step, type StepKind } from "./step.ts";
import { someone } from "./steps-of-orders.ts";

const PRODUCTS = ["pack_20", "pack_60", "basic", "basic", "pro", "premium"] as const;
/** One of the addresses from which the provider's notices come, and one that is nobody's. */
const PROVIDER_ADDRESS = "185.71.76.5";
const STRANGE_ADDRESS = "203.0.113.9";

/** Orders and asks for the page, as the route does. */
async function buy(play: Play, step: Step): Promise<string | null> {
  const person = someone(play, step.which);
  const product = pick(PRODUCTS, step.size);
  if (!person || !product) return null;
  const words = await play.act({
    name: `an order of ${product}`,
    interruption: step.interruption,
    async work(ctx) {
      const saveMethod = step.way < 0.6;
      const payment = await orderPayment(ctx, {
        userId: person.id,
        product,
        returnUrl: "https://a.example.com/",
        saveMethod,
      });
      const asked = await askProvider(ctx, payment);
      return asked;
    },
    onAnswer: ({ id }: Payment) => void play.acknowledged.payments.add(id),
  });
  return `person ${person.number} buys ${product}: ${words}`;
}

/** The payer does something at the provider. */
async function payer(play: Play, step: Step): Promise<string | null> {
  const { shop } = play.world;
  // Whoever was never shown the page cannot pay there.
  const shown = new Set((await allPayments(play)).map(({ yookassaId }) => yookassaId));
  const open = shop.payments.filter(({ id, status }) => status === "pending" && shown.has(id));
  const payment = pick(open.toReversed(), step.which ** 2);
  if (!payment) return null;
  const isPaid = step.way < 0.85;
  const happened = isPaid ? shop.pay(payment) : shop.decline(payment);
  return `${payment.orderId?.slice(-6)} is ${isPaid ? "paid" : "declined"} at the provider${happened ? "" : ": too late"}`;
}

/** A notice comes: late, twice, out of order, forged, or one that came before. */
async function notice(play: Play, step: Step): Promise<string | null> {
  const { shop } = play.world;
  const isForged = step.way < 0.15;
  const told = pick(shop.notices.toReversed(), step.which ** 3);
  const anybodys = pick(shop.payments, step.size)?.id ?? "2d0f1c50-000f-5000-8000-ffffffffffff";
  if (!isForged && !told) return null;
  const said = isForged || !told ? { event: "payment.succeeded", objectId: anybodys } : told;
  const address = step.way < 0.05 ? STRANGE_ADDRESS : PROVIDER_ADDRESS;
  const words = await play.act({
    name: `a notice ${said.event}`,
    interruption: step.interruption,
    // It counts in the process's memory how many it has in hand.
    dieLoudly: true,
    work: (ctx) =>
      takeNotice(ctx, {
        address,
        body: { type: "notification", event: said.event, object: { id: said.objectId, status: "succeeded" } },
      }),
    onAnswer() {
      if (address === PROVIDER_ADDRESS) play.noticesTaken.add(said.objectId);
    },
  });
  return `${isForged ? "a forged notice" : "a notice"} ${said.event} of ${said.objectId.slice(-4)}: ${words}`;
}

export async function allPayments(play: Play): Promise<Payment[]> {
  return play.world.ctx.db.select().from(payments).orderBy(desc(payments.id));
}

/** All of it, or a part that leaves a rouble or more; sometimes one that cannot be. */
function amountOf(rest: number, share: number): number {
  if (share < 0.5 || rest < 300) return rest;
  return Math.max(100, Math.floor((rest * (share - 0.4)) / 0.5 / 100) * 100);
}

async function refund(play: Play, step: Step): Promise<string | null> {
  const paid = (await allPayments(play)).filter(({ status }) => status === "succeeded");
  const payment = pick(paid, step.which);
  if (!payment) return null;
  const amountKopecks = amountOf(payment.amountKopecks - payment.refundedKopecks, step.size);
  const key = step.way < 0.3 ? `again-${payment.id.slice(-12)}` : undefined;
  const words = await play.act({
    name: "a refund",
    interruption: step.interruption,
    work: (ctx) =>
      refundPayment(ctx, { payment, amountKopecks, reason: "asked", ...(key === undefined ? {} : { key }) }),
    onAnswer: ({ id }: { id: string }) => void play.acknowledged.refunds.add(id),
  });
  return `the owner gives ${amountKopecks} of ${payment.amountKopecks} of ${payment.id.slice(-6)} back: ${words}`;
}

async function refundInCabinet(play: Play, step: Step): Promise<string | null> {
  const { shop } = play.world;
  const payment = pick(
    shop.payments.filter(({ status }) => status === "succeeded"),
    step.which,
  );
  if (!payment) return null;
  const amount = amountOf(payment.amountKopecks, step.size);
  const isDone = shop.refundInCabinet(payment, amount);
  return `${amount} of ${payment.orderId?.slice(-6)} given back in the cabinet${isDone ? "" : ": refused there"}`;
}

export const moneySteps: Readonly<Record<string, StepKind>> = {
  buy: { weight: 10, interruptible: true, run: buy },
  payer: { weight: 10, interruptible: false, run: payer },
  notice: { weight: 10, interruptible: true, run: notice },
  refund: { weight: 4, interruptible: true, run: refund },
  "refund in the cabinet": { weight: 3, interruptible: false, run: refundInCabinet },
  reconcile: {
    weight: 1,
    interruptible: true,
    run: async (play, step) =>
      `the owner reconciles: ${await play.act({
        name: "reconcile",
        interruption: step.interruption,
        work: async (ctx) => void (await reconcile(ctx)),
      })}`,
  },
};
