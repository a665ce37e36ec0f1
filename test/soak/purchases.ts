import { OWNER_TELEGRAM_ID } from "../support/operators.ts";
import { order, persist, type Resident, type Town } from "./resident.ts";
import { PROMO_CODE } from "./stage.ts";
import { pick } from "./weather.ts";

interface Payment {
  id: string;
  amount_kopecks: number;
  confirmation_url?: string;
}

export const buyPack = (resident: Resident) =>
  buy(resident, { product: resident.random() < 0.5 ? "pack_20" : "pack_60" });

export const buyPlan = (resident: Resident) =>
  buy(resident, { product: pick(["basic", "pro", "premium"], resident.random), save_method: true });

async function buy(resident: Resident, json: Record<string, unknown>): Promise<string> {
  const { town, random } = resident;
  const made = await order(resident, {
    kind: "payment",
    path: "/payments/create",
    json,
    status: 201,
    idIn: ({ payment }: { payment: Payment }) => payment.id,
  });
  if ("refused" in made) return made.refused;
  const { payment } = made.answer as { payment: Payment };
  const remoteId = new URL(payment.confirmation_url ?? "http://nowhere").searchParams.get("orderId");
  if (remoteId === null) return "over before the page";
  const chance = random();
  if (chance < 0.1) return "abandoned";
  try {
    if (chance < 0.2) {
      town.stage.shop.cancel(remoteId);
      return "declined";
    }
    town.stage.shop.pay(remoteId);
    town.paid.push({ paymentId: payment.id, remoteId, kopecks: payment.amount_kopecks });
    return "paid";
  } catch {
    return "ended at the shop already";
  }
}

export async function changePlan(resident: Resident): Promise<string> {
  const what = pick(["cancel", "resume", "method", "change"], resident.random);
  const answer = await persist(resident, `/subscription/${what}`, {
    method: what === "method" ? "DELETE" : "POST",
    ...(what === "change" ? { json: { plan: "basic" } } : {}),
  });
  return `${what} ${answer?.status ?? "nobody answered"}`;
}

export async function giveBackInCabinet({ town, random }: Resident): Promise<string> {
  if (town.paid.length === 0) return "of nothing";
  const { remoteId, kopecks } = pick(town.paid, random);
  try {
    town.stage.shop.refund(remoteId, random() < 0.5 ? kopecks : Math.floor(kopecks / 3));
    return "done";
  } catch {
    return "refused by the shop";
  }
}

export async function redeem(resident: Resident): Promise<string> {
  const { book } = resident;
  const wasUsed = book.promo !== "no";
  const answer = await persist(resident, "/promo/redeem", { method: "POST", json: { code: PROMO_CODE } });
  if (answer === null) book.promo = wasUsed ? book.promo : "perhaps";
  else if (answer.status === 200) {
    if (book.promo === "yes") resident.town.differences.push(`person ${resident.id} used the promo code twice`);
    book.promo = "yes";
  }
  // Told that it was used without ever being told of the use: the answer to a try of ours was lost.
  else if (book.promo === "no" && answer.status === 409) book.promo = "yes";
  return String(answer?.status ?? "nobody answered");
}

/** The owner gives money back by the panel's API, again and again, each refund under its key. */
export async function giveBackByOwner(owner: Resident): Promise<string> {
  if (owner.telegramId !== OWNER_TELEGRAM_ID) return "not the owner";
  const { town, random } = owner;
  if (town.paid.length === 0) return "of nothing";
  const { paymentId, kopecks } = pick(town.paid, random);
  const made = await order(owner, {
    kind: "refund",
    path: `/admin/payments/${paymentId}/refund`,
    json: { amount_kopecks: random() < 0.5 ? kopecks : Math.floor(kopecks / 4), reason: "soak" },
    status: 200,
    idIn: ({ refund }: { refund: { id: string } }) => refund.id,
  });
  return "refused" in made ? made.refused : "done";
}

/** Looks for the owner's deeds at. */
const OWNER_PAUSE_MS = 4_000;

export async function giveBackUntil(town: Town, owner: Resident, endsAt: number): Promise<void> {
  while (performance.now() + OWNER_PAUSE_MS < endsAt) {
    await Bun.sleep(OWNER_PAUSE_MS * (0.5 + owner.random()));
    town.happened.add(`refund by the owner: ${await giveBackByOwner(owner)}`);
  }
}
