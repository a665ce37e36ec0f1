import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { money, number } from "../kit/format.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { useLive } from "./live.ts";
import { Facts, Head, Mark, PersonLink, When } from "./parts.tsx";
import { PaymentState } from "./payments.tsx";
import { RefundDialog } from "./refund.tsx";
import { words } from "./words.ts";

type Card = AnswerOf<ReturnType<typeof api.admin.payments>["get"]>;

/** One payment with its refunds and what the tax service knows of it. */
export function Payment({ id }: { id: string }) {
  const card = useLive(() => answerOf(api.admin.payments({ id }).get()), [id], "payments", "audit");
  const [isRefunding, setRefunding] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  return (
    <WhenLoaded of={card}>
      {(value) => (
        <>
          <Head title={`${words("payment")} ${money(value.payment.amount_kopecks)}`}>
            {mayAct("owner") && value.refundable_kopecks > 0 && (
              <Button
                size="s"
                onClick={() => {
                  setDone(null);
                  setRefunding(true);
                }}
              >
                {words("refund")}
              </Button>
            )}
          </Head>
          {done && (
            <p class="done" role="status">
              {done}
            </p>
          )}
          <PaymentFacts card={value} />
          <h2>{words("refunds")}</h2>
          <Refunds card={value} />
          <h2>{words("tax")}</h2>
          <TaxEntries card={value} />
          {isRefunding && (
            <RefundDialog
              id={id}
              refundableKopecks={value.refundable_kopecks}
              onClose={() => setRefunding(false)}
              onDone={(sentence) => {
                setRefunding(false);
                setDone(sentence);
                card.reload();
              }}
            />
          )}
        </>
      )}
    </WhenLoaded>
  );
}

function PaymentFacts({ card: { payment, plan, credits_left, refundable_kopecks } }: { card: Card }) {
  return (
    <Facts
      rows={[
        [words("state"), <PaymentState key="state" payment={payment} />],
        [words("person"), <PersonLink key="person" person={payment.person} />],
        [words("product"), plan ? `${payment.product} · ${plan.type} · ${plan.purpose}` : payment.product],
        [words("amount"), money(payment.amount_kopecks)],
        [words("refunded"), payment.refunded_kopecks > 0 ? money(payment.refunded_kopecks) : null],
        [words("refundable"), money(refundable_kopecks)],
        [words("credits"), `${number(credits_left)} / ${number(payment.credits)}`],
        [words("tax"), money(payment.tax_kopecks)],
        [
          words("commission"),
          `${money(payment.commission_kopecks)}${payment.commission_is_real ? "" : ` (${words("forecast")})`}`,
        ],
        [words("cancel_reason"), payment.cancel_reason],
        ["YooKassa", payment.provider_id && <code key="provider">{payment.provider_id}</code>],
        ["ID", <code key="id">{payment.id}</code>],
        [words("created"), <When key="created" at={payment.created_at} />],
        [words("paid"), payment.paid_at && <When key="paid" at={payment.paid_at} />],
      ]}
    />
  );
}

function Refunds({ card }: { card: Card }) {
  return (
    <Table
      label={words("refunds")}
      empty={words("refunds_none")}
      rows={card.refunds}
      keyOf={(row) => row.id}
      columns={[
        { title: words("created"), cell: (row) => <When at={row.created_at} /> },
        { title: words("amount"), cell: (row) => money(row.amount_kopecks), isNumber: true },
        { title: words("credits_revoked"), cell: (row) => number(row.credits_revoked), isNumber: true },
        { title: words("reason"), cell: (row) => row.reason },
        { title: words("state"), cell: (row) => row.status },
      ]}
    />
  );
}

function TaxEntries({ card }: { card: Card }) {
  return (
    <Table
      label={words("tax")}
      empty={words("tax_none")}
      rows={card.tax_entries}
      keyOf={(row) => row.id}
      columns={[
        { title: words("date"), cell: (row) => row.date },
        { title: words("amount"), cell: (row) => money(row.gross_kopecks), isNumber: true },
        {
          title: words("state"),
          cell: (row) => <Mark tone={row.annul_due ? "warn" : "quiet"}>{words(`tax_${row.state}`)}</Mark>,
        },
        { title: words("receipt"), cell: (row) => row.receipt },
      ]}
    />
  );
}
