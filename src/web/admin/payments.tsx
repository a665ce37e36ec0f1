import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { ChoiceField, TextField } from "../kit/fields.tsx";
import { money } from "../kit/format.ts";
import { usePages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { PagedTable } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { DownloadButton, Head, Mark, PersonLink, type Tone, When, withQuery } from "./parts.tsx";
import { words } from "./words.ts";

export type PaymentRow = AnswerOf<typeof api.admin.payments.get>["items"][number];
type Status = PaymentRow["status"];

const TONES: Readonly<Record<Status, Tone>> = { pending: "warn", succeeded: "good", cancelled: "quiet" };

/** All payments, or those of one person. */
export function Payments({ personId }: { personId: string | null }) {
  const [status, setStatus] = useState<Status | "">("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const filters = {
    ...(status === "" ? {} : { status }),
    ...(from === "" ? {} : { from }),
    ...(to === "" ? {} : { to }),
    ...(personId === null ? {} : { person: personId }),
  };
  const pages = usePages(
    (cursor) =>
      answerOf(api.admin.payments.get({ query: { ...filters, ...(cursor === undefined ? {} : { cursor }) } })),
    [status, from, to, personId],
  );
  return (
    <>
      <Head title={words("payments")}>
        {mayAct("owner") && (
          <DownloadButton path={withQuery("/api/v1/admin/payments/export", filters)} fileName="payments.csv" />
        )}
      </Head>
      {personId !== null && (
        <p>
          <a href={addressOf("people", personId)}>{words("of_one_person")}</a> ·{" "}
          <a href={addressOf("payments")}>{words("people_all")}</a>
        </p>
      )}
      <div class="bar">
        <ChoiceField
          label={words("state")}
          value={status}
          onChange={setStatus}
          choices={[
            ["", words("people_all")],
            ["succeeded", words("payment_succeeded")],
            ["pending", words("payment_pending")],
            ["cancelled", words("payment_cancelled")],
          ]}
        />
        <TextField label={words("from")} type="date" value={from} onChange={setFrom} />
        <TextField label={words("to")} type="date" value={to} onChange={setTo} />
      </div>
      <PagedTable
        label={words("payments")}
        pages={pages}
        keyOf={(row) => row.id}
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
      />
    </>
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
