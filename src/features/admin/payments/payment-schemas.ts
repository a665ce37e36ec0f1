import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { PAYMENT_STATUSES, REFUND_STATUSES, TAX_STATES } from "../../billing/index.ts";
import { Count, Day, Id, Kopecks, listQuery, Moment, PersonRef, Reason } from "../schemas.ts";

const FILTERS = {
  status: t.Optional(oneOf(PAYMENT_STATUSES)),
  product: t.Optional(t.String({ maxLength: 64, examples: ["pack_20"] })),
  person: t.Optional(t.String({ maxLength: 64, description: "The id of whoever pays." })),
  from: t.Optional(Day),
  to: t.Optional(Day),
  flagged: t.Optional(t.Boolean({ description: "Only what somebody has to look at.", default: false })),
};

export const PaymentsQuery = listQuery(FILTERS);
export const PaymentsExportQuery = t.Object(FILTERS, closed);

export const PaymentRow = t.Object(
  {
    id: Id,
    person: PersonRef,
    status: oneOf(PAYMENT_STATUSES),
    product: t.String({ examples: ["pack_20"] }),
    credits: Count,
    amount_kopecks: Kopecks,
    refunded_kopecks: Kopecks,
    tax_kopecks: Kopecks,
    commission_kopecks: Kopecks,
    commission_is_real: t.Boolean({ description: "False while it is a forecast." }),
    provider_id: t.Nullable(t.String(), { examples: ["2d0c2f5e-000f-5000-8000-1a2b3c4d5e6f"] }),
    cancel_reason: t.Nullable(t.String(), { examples: [null] }),
    flagged: t.Nullable(t.String({ description: "What somebody has to look at." }), { examples: [null] }),
    test: t.Boolean(),
    paid_at: t.Nullable(Moment),
    created_at: Moment,
  },
  { ...closed, title: "AdminPaymentRow" },
);

const RefundRow = t.Object(
  {
    id: Id,
    amount_kopecks: Kopecks,
    status: oneOf(REFUND_STATUSES),
    origin: oneOf(["owner", "cabinet"]),
    reason: t.String({ examples: ["ticket 4711"] }),
    credits_revoked: Count,
    provider_id: t.Nullable(t.String(), { examples: [null] }),
    created_at: Moment,
    updated_at: Moment,
  },
  { ...closed, title: "AdminRefundRow" },
);

export const PaymentCard = t.Object(
  {
    payment: PaymentRow,
    plan: t.Nullable(
      t.Object({ purpose: t.String({ examples: ["purchase"] }), type: t.String({ examples: ["pro"] }) }, closed),
      { description: "Where a plan was ordered.", examples: [null] },
    ),
    credits_left: t.Integer({ minimum: 0, description: "Of those it bought." }),
    refundable_kopecks: t.Integer({ minimum: 0, description: "What can still be given back." }),
    refunds: t.Array(RefundRow),
    tax_entries: t.Array(
      t.Object(
        {
          id: Id,
          date: Day,
          gross_kopecks: Kopecks,
          state: oneOf(TAX_STATES),
          annul_due: t.Boolean(),
          receipt: t.Nullable(t.String(), { examples: [null] }),
        },
        closed,
      ),
    ),
  },
  { ...closed, title: "AdminPaymentCard" },
);

const AmountKopecks = t.Integer({ minimum: 1, maximum: 1_000_000_000, description: "Kopecks.", examples: [7_450] });

export const RefundQuery = t.Object(
  { amount_kopecks: t.Optional(t.Integer({ ...AmountKopecks, description: "Default: all that is left." })) },
  closed,
);

export const RefundPreviewAnswer = t.Object(
  {
    amount_kopecks: Kopecks,
    refunded_kopecks: t.Integer({ description: "Given back before." }),
    rest_kopecks: t.Integer({ description: "Stays paid." }),
    credits_revoked: t.Integer({ description: "Unused credits that are taken back." }),
    credits_used: t.Integer({ description: "Used, and kept." }),
    tax_before_kopecks: Kopecks,
    tax_after_kopecks: Kopecks,
    commission_lost_kopecks: Kopecks,
    subscription: t.Nullable(t.Object({ ends_at_before: Moment, ends_at_after: Moment, ends: t.Boolean() }, closed), {
      description: "What becomes of the time that it bought.",
      examples: [null],
    }),
  },
  { ...closed, title: "AdminRefundPreview" },
);

export const RefundBody = t.Object({ amount_kopecks: AmountKopecks, reason: Reason }, closed);
export const RefundAnswer = t.Object({ refund: RefundRow, payment: PaymentRow }, closed);
