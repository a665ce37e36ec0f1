import { Button } from "@telegram-apps/telegram-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { money } from "../kit/format.ts";
import { isMissing, useLoaded } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Nothing, Waiting } from "../kit/states.tsx";
import { reloadBalance } from "./balance.ts";
import { dayAndTime } from "./format.ts";
import { feel } from "./haptics.ts";
import { openPage } from "./links.ts";
import { useLive } from "./live.ts";
import { goInstead, goTo } from "./navigation.ts";
import { Shown } from "./notice.tsx";
import { forgetPayment } from "./open-payment.ts";
import { ENDS_PAYMENT, type Payment } from "./open-payments.tsx";
import { isPlan, nameOfProduct } from "./prices.ts";
import { hasScreen } from "./screen.ts";
import { shellWords } from "./words-shell.ts";
import { reasonOf, shopWords } from "./words-shop.ts";

/** Events may be lost, and the provider's notice late; so it is asked as well while somebody waits. */
const ASK_MS = 4_000;

/** One payment, from the order to its end. While it is open the page waits for it by itself. */
export function PaymentPage({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(true);
  const payment = useLoaded(() => answerOf(api.payments({ id }).get()), [id], isOpen ? ASK_MS : null);
  useLive(({ type }) => {
    if (ENDS_PAYMENT.has(type)) payment.reload();
  });
  const status = payment.value?.status;
  const wasOpen = useRef(false);
  useEffect(() => {
    if (status === undefined) return;
    setOpen(status === "pending");
    if (status === "pending") wasOpen.current = true;
    else reloadBalance();
    if (status === "succeeded" && wasOpen.current) feel("success");
  }, [status]);
  if (payment.value === null && isMissing(payment)) return <Nothing text={shopWords("payment_gone")} />;
  return (
    <Shown of={payment} waiting={<PaymentWaiting />}>
      {(known) =>
        known.status === "pending" ? (
          <Open payment={known} />
        ) : known.status === "succeeded" ? (
          <Paid payment={known} />
        ) : (
          <Cancelled payment={known} />
        )
      }
    </Shown>
  );
}

function PaymentWaiting() {
  return (
    <>
      <h1>{shopWords("payment")}</h1>
      <Waiting />
    </>
  );
}

function Sum({ payment }: { payment: Payment }) {
  const { product, credits, amount_kopecks: amount, created_at: ordered, paid_at: paid } = payment;
  return (
    <p class="payment-sum">
      <strong>{nameOfProduct(product, credits)}</strong>
      <span>{money(amount)}</span>
      <span class="quiet">
        {paid === undefined ? dayAndTime(ordered) : shopWords("paid_at", { when: dayAndTime(paid) })}
      </span>
    </p>
  );
}

function Open({ payment }: { payment: Payment }) {
  const { id, confirmation_url: page } = payment;
  return (
    <>
      <h1>{shopWords("waiting_title")}</h1>
      <Sum payment={payment} />
      <div class="payment-waits" role="status">
        <Waiting />
        <p>{shopWords(page === undefined ? "waiting_page" : "waiting_text")}</p>
      </div>
      <div class="deeds">
        {page !== undefined && (
          <Button size="l" stretched onClick={() => openPage(page)}>
            {shopWords("to_pay_page")}
          </Button>
        )}
        <Button
          size="l"
          stretched
          mode="plain"
          onClick={() => {
            forgetPayment(id);
            goInstead("shop");
          }}
        >
          {shopWords("not_now")}
        </Button>
        <p class="quiet">{shopWords("not_now_hint")}</p>
      </div>
    </>
  );
}

function Paid({ payment }: { payment: Payment }) {
  const { product, credits, refunded, receipt_url: receipt, test } = payment;
  const isReturned = Number(refunded) > 0;
  return (
    <>
      <h1>
        {isPlan(product)
          ? shopWords("paid_plan", { what: nameOfProduct(product, credits) })
          : shopWords("paid_pack", { count: credits })}
      </h1>
      <Sum payment={payment} />
      {isReturned && <p>{shopWords("refunded", { price: money(Math.round(Number(refunded) * 100)) })}</p>}
      {!isReturned && <p>{shopWords(isPlan(product) ? "paid_plan_text" : "paid_pack_text")}</p>}
      {test && <p class="quiet">{shopWords("paid_test")}</p>}
      <div class="deeds">
        {hasScreen("pictures") && (
          <Button size="l" stretched onClick={() => goTo("pictures")}>
            {shopWords("to_pictures")}
          </Button>
        )}
        {receipt !== undefined && (
          <Button size="l" stretched mode="bezeled" onClick={() => openPage(receipt)}>
            {shopWords("receipt")}
          </Button>
        )}
        <a class="chip payment-link" href={addressOf("shop")}>
          {shopWords("to_shop")}
        </a>
      </div>
    </>
  );
}

function Cancelled({ payment }: { payment: Payment }) {
  const reason = reasonOf(payment.cancel_reason);
  return (
    <>
      <h1>{shopWords("cancelled_title")}</h1>
      <Sum payment={payment} />
      {reason !== null && <p>{reason}</p>}
      <p>{shellWords("not_charged")}</p>
      <div class="deeds">
        <Button size="l" stretched onClick={() => goTo("shop")}>
          {shopWords("choose_again")}
        </Button>
      </div>
    </>
  );
}
