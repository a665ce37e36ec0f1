import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { money } from "../kit/format.ts";
import { addressOf } from "../kit/route.ts";
import { mayAct } from "./entry.ts";
import { FilteredList } from "./filtered-list.tsx";
import { DownloadButton, Mark, PersonLink, type Tone, When, withQuery } from "./parts.tsx";
import { words } from "./words.ts";

export type PaymentRow = AnswerOf<typeof api.admin.payments.get>["items"][number];
type Status = PaymentRow["status"];

const TONES: Readonly<Record<Status, Tone>> = { succeeded: "good", pending: "warn", cancelled: "quiet" };

/** All payments, or those of one person. */
export function Payments({ personId }: { personId: string | null }) {
  const own = personId === null ? {} : { person: personId };
  return (
    <FilteredList
      section="payments"
      statuses={(Object.keys(TONES) as Status[]).map((one) => [one, words(`payment_${one}`)] as const)}
      load={(query) => answerOf(api.admin.payments.get({ query: { ...query, ...own } }))}
      reasons={[personId]}
      deeds={(query) =>
        mayAct("owner") && (
          <DownloadButton
            path={withQuery("/api/v1/admin/payments/export", { ...query, ...own })}
            fileName="payments.csv"
          />
        )
      }
      columns={[
        {
          title: words("created"),
          cell: (row) => (
            <a href={addressOf("payments", row.id)}>
              <When at={row.created_at} />
            </a>
          ),
        },
        { title: words("person"), cell: (row) => <PersonLink person={row.person} /> },
        { title: words("product"), cell: (row) => row.product },
        { title: words("amount"), cell: (row) => money(row.amount_kopecks), isNumber: true },
        {
          title: words("refunded"),
          cell: (row) => (row.refunded_kopecks > 0 ? money(row.refunded_kopecks) : null),
          isNumber: true,
        },
        { title: words("tax"), cell: (row) => money(row.tax_kopecks), isNumber: true },
        { title: words("commission"), cell: (row) => money(row.commission_kopecks), isNumber: true },
        { title: words("state"), cell: (row) => <PaymentState payment={row} /> },
      ]}
    >
      {personId !== null && (
        <p>
          <a href={addressOf("people", personId)}>{words("of_one_person")}</a> ·{" "}
          <a href={addressOf("payments")}>{words("people_all")}</a>
        </p>
      )}
    </FilteredList>
  );
}

export function PaymentState({ payment }: { payment: PaymentRow }) {
  return (
    <span>
      <Mark tone={TONES[payment.status]}>{words(`payment_${payment.status}`)}</Mark>
      {payment.test && <Mark tone="quiet">{words("test")}</Mark>}
      {payment.flagged !== null && <Mark tone="bad">{payment.flagged}</Mark>}
    </span>
  );
}
