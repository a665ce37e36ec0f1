import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { TAX_STATES } from "../../billing/index.ts";
import { Count, Day, Id, Kopecks, listQuery, Moment, Month, Reason } from "../schemas.ts";

export const TaxQuery = t.Object({ month: t.Optional(Month) }, closed);
export const TaxEntriesQuery = listQuery({ month: t.Optional(Month), state: t.Optional(oneOf(TAX_STATES)) });

export const TaxSums = t.Object(
  {
    sales: t.Integer({ minimum: 0, description: "Of which something stays paid." }),
    paid_kopecks: Kopecks,
    refunded_kopecks: Kopecks,
    base_kopecks: t.Integer({ description: "What the tax is on." }),
    tax_kopecks: t.Integer({ description: "4 % of each sale: an estimate, the bill is the tax service's." }),
    commission_kopecks: Kopecks,
    commission_forecast_kopecks: t.Integer({ description: "The part of it that is a forecast still." }),
    net_kopecks: Kopecks,
  },
  closed,
);

const Meter = t.Object(
  {
    name: oneOf(["tax_year", "yookassa_month"]),
    period: t.String({ examples: ["2026"] }),
    kopecks: Kopecks,
    limit_kopecks: t.Integer({ minimum: 0, description: "0 where there is no limit." }),
    percent: Count,
  },
  closed,
);

export const TaxMonthAnswer = t.Object(
  {
    month: Month,
    sums: TaxSums,
    meters: t.Array(Meter),
    waiting: t.Object(
      {
        to_register: t.Integer({ minimum: 0, description: "Entries that nobody has registered." }),
        to_annul: t.Integer({ minimum: 0, description: "Registered, and refunded since." }),
      },
      closed,
    ),
    connector: t.Boolean({ description: "Whether the server registers sales by itself." }),
    as_of: t.Nullable(Moment, { description: "When the sums were last counted." }),
  },
  { ...closed, title: "AdminTaxMonth" },
);

export const TaxEntryRow = t.Object(
  {
    id: Id,
    payment_id: Id,
    date: Day,
    operation_at: Moment,
    gross_kopecks: Kopecks,
    tax_kopecks: Kopecks,
    service: t.String({ examples: ["Обработка изображений"] }),
    state: oneOf(TAX_STATES),
    annul_reason: t.Nullable(t.String(), { examples: [null] }),
    annul_due: t.Boolean(),
    receipt: t.Nullable(t.String(), { examples: [null] }),
    receipt_url: t.Nullable(t.String(), { examples: [null] }),
    test: t.Boolean(),
    attempts: Count,
    last_error: t.Nullable(t.String(), { examples: [null] }),
  },
  { ...closed, title: "AdminTaxEntry" },
);

export const RegisterBody = t.Object(
  {
    receipt: t.String({
      minLength: 1,
      maxLength: 300,
      pattern: "^\\S+$",
      description: "The receipt's number, or its https link, which the buyer then sees.",
      examples: ["20ab3kq9zx"],
    }),
    reason: Reason,
  },
  closed,
);
