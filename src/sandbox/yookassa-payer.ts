import { CARD_AMOUNT_KOPECKS_MAX } from "../providers/yookassa/wire.ts";
import { type Decline, findCard, type TestCard } from "./yookassa-cards.ts";
import { noPaymentPage, payPage } from "./yookassa-page.ts";
import { type MoneyNeeds, payerMethod } from "./yookassa-payments.ts";
import type { EmulatedPayment } from "./yookassa-records.ts";

/** Where the pay pages lie on the emulator's own port. */
export const PAY_PATH = "/pay/";

type PayerNeeds = Pick<MoneyNeeds, "clock" | "faults" | "shop">;

/** Answers the pay page: GET shows it, POST does what the payer pressed. */
export async function answerPayer(request: Request, needs: PayerNeeds): Promise<Response> {
  needs.shop.settle();
  const token = new URL(request.url).pathname.slice(PAY_PATH.length);
  const payment = needs.shop.payments.find(({ payToken }) => payToken === token);
  if (payment === undefined) return noPaymentPage();
  if (request.method !== "POST") return payPage(payment);
  const form = new URLSearchParams(await request.text());
  const problem = payment.status === "pending" ? act(payment, form, needs) : undefined;
  if (problem === LEAVES || (payment.status !== "pending" && payment.cancellation === undefined)) {
    return backToShop(payment);
  }
  return payPage(payment, problem === undefined ? {} : { problem });
}

const LEAVES = "leaves";

/** What the payer pressed; the words of a problem when it could not even be tried. */
function act(payment: EmulatedPayment, form: URLSearchParams, needs: PayerNeeds): string | undefined {
  const { shop } = needs;
  const quick = form.get("card");
  if (quick !== null) return tryCard(payment, findCard(quick), needs);
  switch (form.get("action")) {
    case "card":
      return formProblem(form, needs.clock.now()) ?? tryCard(payment, findCard(form.get("number") ?? ""), needs);
    case "code":
      return charge(payment, payment.awaitsCode, needs, { threeDs: true });
    case "code_failed":
      if (payment.awaitsCode === undefined) return undefined;
      payment.awaitsCode = undefined;
      return decline(payment, { party: "payment_network", reason: "3d_secure_failed" }, needs);
    case "yoo_money":
      shop.takeMoney(payment, payerMethod(payment, "yoo_money", needs));
      return undefined;
    case "sbp":
      if (payment.test) return "В тестовом магазине нет СБП";
      shop.takeMoney(payment, payerMethod(payment, "sbp", needs));
      return undefined;
    case "cancel":
      shop.cancel(payment, { party: "payment_network", reason: "general_decline" });
      return undefined;
    case "expire":
      shop.cancel(payment, { party: "yoo_money", reason: "expired_on_confirmation" });
      return undefined;
    case "later":
      return LEAVES;
    default:
      return "Непонятное действие";
  }
}

/** Tries a card: with a code first where the card or the shop wants one. */
export function tryCard(payment: EmulatedPayment, card: TestCard | undefined, needs: PayerNeeds): string | undefined {
  if (card === undefined) return "Такой тестовой карты нет";
  if (payment.amountKopecks > CARD_AMOUNT_KOPECKS_MAX) return "Картой можно заплатить не больше 350 000 ₽";
  payment.lastDecline = undefined;
  if (card.threeDs || payment.confirmation?.enforce === true) {
    payment.awaitsCode = card;
    return undefined;
  }
  return charge(payment, card, needs, { threeDs: false });
}

function charge(
  payment: EmulatedPayment,
  card: TestCard | undefined,
  needs: PayerNeeds,
  how: { threeDs: boolean },
): undefined {
  if (card === undefined) return undefined;
  payment.awaitsCode = undefined;
  const reason = needs.faults.strike("yookassa.card")?.mode;
  const why = reason === undefined ? card.decline : { party: "payment_network", reason };
  if (why !== undefined) return decline(payment, why, needs);
  needs.shop.takeMoney(payment, payerMethod(payment, "bank_card", needs, card), how);
  return undefined;
}

/** The payer may try again on the page, unless the shop has that switched off: then the payment is over. */
function decline(payment: EmulatedPayment, why: Decline, { shop }: PayerNeeds): undefined {
  payment.lastDecline = why;
  if (!shop.settings.cardRetries) shop.cancel(payment, why);
}

function formProblem(form: URLSearchParams, now: Date): string | undefined {
  const [, month = "", year = ""] = /^\s*(\d{1,2})\s*\/\s*(?:20)?(\d{2})\s*$/.exec(form.get("expiry") ?? "") ?? [];
  if (!(Number(month) >= 1 && Number(month) <= 12)) return "Срок карты пишется так: 12/30";
  // Valid to the end of its month.
  if (Date.UTC(2000 + Number(year), Number(month)) <= now.getTime()) return "Срок действия карты истёк";
  return /^\d{3,4}$/.test(form.get("csc") ?? "") ? undefined : "В коде CVC три цифры";
}

/** The payer comes back with nothing added to the address, whatever became of the payment. */
function backToShop(payment: EmulatedPayment): Response {
  const { returnUrl } = payment.confirmation ?? {};
  if (returnUrl === undefined) return payPage(payment);
  return new Response(null, { status: 303, headers: { location: returnUrl, "cache-control": "no-store" } });
}
