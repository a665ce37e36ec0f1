import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { Count, Day, Kopecks, Moment } from "../schemas.ts";
import { PAID_BY } from "./overview-tables.ts";

export const DAYS_MAX = 366;
export const DAYS_DEFAULT = 30;
export const MONTHS_MAX = 36;
export const MONTHS_DEFAULT = 12;

const Seconds = t.Nullable(t.Integer({ minimum: 0 }), { examples: [38] });

/** The same figures for a day, a month and a whole period. */
const FIGURES = {
  paid_kopecks: t.Integer({ description: "What people paid, whether or not it was given back since." }),
  refunded_kopecks: Kopecks,
  revenue_kopecks: t.Integer({ description: "`paid - refunded`, on the day of the payment." }),
  tax_kopecks: Kopecks,
  commission_kopecks: Kopecks,
  commission_forecast_kopecks: t.Integer({ description: "The part of the commission that is a forecast still." }),
  net_kopecks: t.Integer({ description: "`revenue - tax - commission`." }),
  provider_cost_kopecks: t.Integer({ description: "Pictures and the assistant, at the prices of the day." }),
  margin_kopecks: t.Integer({ description: "`net - provider_cost`." }),
  test_kopecks: t.Integer({ description: "The part of the revenue that a test shop took." }),
  sales: Count,
  buyers: t.Integer({ minimum: 0, description: "Of a month or a period: the sum of its days." }),
  first_buyers: t.Integer({ minimum: 0, description: "Who had never paid before." }),
  new_people: Count,
  actives: t.Integer({ minimum: 0, description: "Of a month or a period: the average of its days." }),
  conversion_percent: t.Nullable(t.Number({ minimum: 0 }), {
    description: "First buyers for a hundred new people; null where nobody was new.",
    examples: [4.2],
  }),
  pictures: Count,
  pictures_failed: Count,
  pictures_cancelled: Count,
  failure_percent: t.Nullable(t.Number({ minimum: 0, maximum: 100 }), {
    description: "Of the pictures that were made or failed.",
    examples: [1.5],
  }),
  turns: t.Integer({ minimum: 0, description: "Answers of the assistant." }),
  turns_failed: Count,
  seconds_p50: Seconds,
  seconds_p95: Seconds,
};

export const DayRow = t.Object({ date: Day, ...FIGURES }, { ...closed, title: "AdminDay" });
export const MonthRow = t.Object(
  { month: t.String({ examples: ["2026-11"] }), days: Count, ...FIGURES },
  { ...closed, title: "AdminMonth" },
);
const Totals = t.Object(FIGURES, { ...closed, title: "AdminTotals" });

export const OverviewQuery = t.Object(
  {
    days: t.Optional(
      t.Integer({ minimum: 1, maximum: DAYS_MAX, default: DAYS_DEFAULT, description: "Up to today, Moscow time." }),
    ),
  },
  closed,
);

export const OverviewAnswer = t.Object(
  {
    from: Day,
    to: Day,
    totals: Totals,
    previous: Totals,
    days: t.Array(DayRow, { description: "Every day of the period, oldest first; zeros where nothing happened." }),
    as_of: t.Nullable(Moment, { description: "When the figures of the last day were counted." }),
    prices: t.Object({ kie_thousand_kopecks: Kopecks, dollar_kopecks: Kopecks }, closed),
  },
  { ...closed, title: "AdminOverview" },
);

export const MonthsQuery = t.Object(
  { months: t.Optional(t.Integer({ minimum: 1, maximum: MONTHS_MAX, default: MONTHS_DEFAULT })) },
  closed,
);
export const MonthsAnswer = t.Object(
  { months: t.Array(MonthRow, { description: "Oldest first." }), as_of: t.Nullable(Moment) },
  { ...closed, title: "AdminMonths" },
);

const ActionEconomy = t.Object(
  {
    action: t.String({ examples: ["fitting"] }),
    actions: Count,
    credits: Count,
    cost_kopecks: Kopecks,
    cost_each_kopecks: t.Nullable(t.Number(), { description: "What one costs us.", examples: [180.5] }),
    paid_by: t.Array(
      t.Object({ paid_by: oneOf(PAID_BY), actions: Count, credits: Count, cost_kopecks: Kopecks }, closed),
    ),
  },
  closed,
);

const ProductEconomy = t.Object(
  {
    product: t.String({ examples: ["pro"] }),
    kind: oneOf(["plan", "pack"]),
    price_kopecks: t.Nullable(Kopecks, { description: "In the catalogue; null for what is sold no more." }),
    credits: t.Nullable(t.Integer(), { examples: [140] }),
    sales: Count,
    revenue_kopecks: Kopecks,
    tax_kopecks: Kopecks,
    commission_kopecks: Kopecks,
    net_kopecks: Kopecks,
    cost_if_all_used_kopecks: t.Nullable(t.Integer(), {
      description: "What the sold credits cost us when all of them are used as credits were used in this period.",
      examples: [12_000],
    }),
    margin_kopecks: t.Nullable(t.Integer(), { description: "`net` less that.", examples: [50_000] }),
    margin_percent: t.Nullable(t.Number(), { description: "Of the revenue.", examples: [71.5] }),
    negative: t.Boolean({ description: "It costs more than it brings." }),
  },
  closed,
);

export const EconomyAnswer = t.Object(
  {
    from: Day,
    to: Day,
    credit_cost_kopecks: t.Nullable(t.Number(), {
      description: "What a used credit cost us on average; null where none was used.",
      examples: [85.2],
    }),
    free_cost_kopecks: t.Integer({ description: "What free actions cost; nobody paid for them." }),
    actions: t.Array(ActionEconomy),
    products: t.Array(ProductEconomy),
  },
  { ...closed, title: "AdminEconomy" },
);
