import { answerOf, api } from "../kit/api.ts";
import { money } from "../kit/format.ts";
import { usePages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { Nothing } from "../kit/states.tsx";
import { locale } from "../kit/words.ts";
import { type CreditLine, creditLines } from "./credit-lines.ts";
import { dayAndTime } from "./format.ts";
import { ForwardIcon, HistoryIcon } from "./icons.tsx";
import { useLive } from "./live.ts";
import { MorePages } from "./more-pages.tsx";
import { goInstead } from "./navigation.ts";
import { Shown } from "./notice.tsx";
import { ENDS_PAYMENT, type Payment } from "./open-payments.tsx";
import { nameOfProduct } from "./prices.ts";
import type { Screen } from "./screen.ts";
import { historyWords } from "./words-history.ts";

export const historyScreen: Screen = {
  section: "history",
  title: () => historyWords("title"),
  found: "more",
  icon: HistoryIcon,
  draw: (id) => <History shown={id === "payments" ? "payments" : "credits"} />,
};

const KINDS = ["credits", "payments"] as const;
type Kind = (typeof KINDS)[number];
const PAGE_SIZE = 30;

/** What came and went: of credits, and of money. */
function History({ shown }: { shown: Kind }) {
  return (
    <>
      <h1>{historyWords("title")}</h1>
      <fieldset class="segments">
        <legend class="unseen">{historyWords("show")}</legend>
        {KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            aria-pressed={kind === shown}
            onClick={() => goInstead("history", kind === "credits" ? undefined : kind)}
          >
            {historyWords(kind)}
          </button>
        ))}
      </fieldset>
      {shown === "credits" ? <Credits /> : <Payments />}
    </>
  );
}

const pageOf = (cursor: string | undefined) => ({
  query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
});

function Credits() {
  const pages = usePages((cursor) => answerOf(api.balance.entries.get(pageOf(cursor))), []);
  useLive(({ type }) => {
    if (!pages.isOpened && (type === "hello" || type === "balance.changed")) pages.reload();
  });
  return (
    <Shown of={pages}>
      {(entries) =>
        entries.length === 0 ? (
          <Nothing text={historyWords("no_credits")} />
        ) : (
          <>
            <ul class="rows">
              {creditLines(entries).map((line) => (
                <li key={line.id} class="line">
                  <Line line={line} />
                </li>
              ))}
            </ul>
            <MorePages of={pages} />
          </>
        )
      }
    </Shown>
  );
}

function Line({ line }: { line: CreditLine }) {
  return (
    <>
      <span class="row-text">
        <span>{line.type === "operation" ? actionOf(line.action) : reasonOf(line.kind, line.action)}</span>
        <span class="product-note">{dayAndTime(line.at)}</span>
      </span>
      <span class="line-sum">
        {line.type === "movement" ? (
          <strong class={line.credits > 0 ? "good" : ""}>{signed(line.credits)}</strong>
        ) : (
          <Charge line={line} />
        )}
      </span>
    </>
  );
}

/** The charge, and beside it what came back. */
function Charge({ line: { credits, end, isFreeReturned } }: { line: Extract<CreditLine, { type: "operation" }> }) {
  const isFree = credits === 0;
  return (
    <>
      <strong class={end === "returned" ? "line-undone" : ""}>
        {isFree ? historyWords("free_action") : signed(-credits)}
      </strong>
      {end === "held" && <span class="product-note">{historyWords("held")}</span>}
      {end === "returned" && (
        <span class="good">
          {isFree
            ? historyWords(isFreeReturned ? "free_returned" : "free_kept")
            : historyWords("returned", { credits: signed(credits) })}
        </span>
      )}
    </>
  );
}

const signed = (credits: number): string => credits.toLocaleString(locale(), { signDisplay: "exceptZero" });

function actionOf(action: string): string {
  const isKnown = action === "fitting" || action === "chat_turn" || action === "edit_generation";
  return historyWords(isKnown ? action : "other");
}

function reasonOf(kind: Extract<CreditLine, { type: "movement" }>["kind"], action: string): string {
  if (kind === "expire") return historyWords("expire");
  if (kind === "revoke") return historyWords(action === "plan" ? "revoke_plan" : "revoke");
  switch (action) {
    case "pack":
      return historyWords("grant_pack");
    case "plan":
      return historyWords("grant_plan");
    case "referral":
      return historyWords("grant_referral");
    case "gift":
      return historyWords("grant_gift");
    default:
      return historyWords("grant_other");
  }
}

function Payments() {
  const pages = usePages((cursor) => answerOf(api.payments.get(pageOf(cursor))), []);
  useLive(({ type }) => {
    if (!pages.isOpened && (ENDS_PAYMENT.has(type) || type === "balance.changed")) pages.reload();
  });
  return (
    <Shown of={pages}>
      {(payments) =>
        payments.length === 0 ? (
          <Nothing text={historyWords("no_payments")} />
        ) : (
          <>
            <ul class="rows">
              {payments.map((payment) => (
                <li key={payment.id}>
                  <PaymentRow payment={payment} />
                </li>
              ))}
            </ul>
            <MorePages of={pages} />
          </>
        )
      }
    </Shown>
  );
}

function PaymentRow({ payment }: { payment: Payment }) {
  const { id, product, credits, amount_kopecks: amount, status, created_at: at } = payment;
  return (
    <a class="row" href={addressOf("shop", id)}>
      <span class="row-text">
        <span>{nameOfProduct(product, credits)}</span>
        <span class="product-note">{dayAndTime(at)}</span>
      </span>
      <span class="line-sum">
        <strong class={status === "cancelled" ? "line-undone" : ""}>{money(amount)}</strong>
        <span class="product-note">{stateOf(payment)}</span>
      </span>
      <ForwardIcon />
    </a>
  );
}

function stateOf({ status, amount, refunded }: Payment): string {
  if (Number(refunded) > 0) {
    const price = money(Math.round(Number(refunded) * 100));
    return refunded === amount ? historyWords("refunded_whole") : historyWords("refunded_part", { price });
  }
  return historyWords(
    status === "pending" ? "status_pending" : status === "succeeded" ? "status_succeeded" : "status_cancelled",
  );
}
