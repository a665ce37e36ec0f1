import { Button } from "@telegram-apps/telegram-ui";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { money } from "../kit/format.ts";
import { type Loaded, useLoaded } from "../kit/loading.ts";
import { useLive } from "./live.ts";
import { goTo } from "./navigation.ts";
import { forgetPayment, remembered } from "./open-payment.ts";
import { nameOfProduct } from "./prices.ts";
import { shopWords } from "./words-shop.ts";

export type Payment = AnswerOf<typeof api.payments.get>["items"][number];

/** Of the newest payments; an older one cannot be open any more. */
const LOOKED_AT = 5;
/** What ends a payment, or lets it be seen that it has ended. */
export const ENDS_PAYMENT: ReadonlySet<string> = new Set(["hello", "payment.succeeded", "payment.cancelled"]);

export function useNewestPayments(): Loaded<readonly Payment[]> {
  const newest = useLoaded(async () => (await answerOf(api.payments.get({ query: { limit: LOOKED_AT } }))).items, []);
  useLive(({ type }) => {
    if (ENDS_PAYMENT.has(type)) newest.reload();
  });
  return newest;
}

/** Payments that were begun and not finished: to go on with, or to be forgotten. */
export function OpenPayments({ payments }: { payments: readonly Payment[] }) {
  const { forgotten } = remembered.use();
  const open = payments.filter(({ id, confirmation_url: page }) => page !== undefined && !forgotten.includes(id));
  return (
    <>
      {open.map(({ id, product, credits, amount_kopecks: amount }) => (
        <section key={id} class="card" aria-label={shopWords("open_title")}>
          <h2>{shopWords("open_title")}</h2>
          <p>{shopWords("open_text", { what: nameOfProduct(product, credits), price: money(amount) })}</p>
          <div class="notice-buttons">
            <Button size="m" onClick={() => goTo("shop", id)}>
              {shopWords("go_on")}
            </Button>
            <Button size="m" mode="plain" onClick={() => forgetPayment(id)}>
              {shopWords("forget")}
            </Button>
          </div>
        </section>
      ))}
    </>
  );
}
