import { bigInteger, integer, json, moment, oneOf, primaryKey, table, text } from "../../../platform/db/columns.ts";

/** What one action can be paid by; `given` are credits of gifts and referrals, `free` the month's free actions. */
export const PAID_BY = ["plan", "pack", "given", "free"] as const;

/**
 * The figures of one day of Moscow's calendar, counted by a recurring job from the rows of that day. Money stands on the day
 * of its payment, whenever it was given back, as in the tax journal; pictures on the day on which they ended.
 */
export const dayFigures = table("day_figures", {
  /** Such as `2026-11-22`. */
  date: text("date").primaryKey(),
  newPeople: integer("new_people").notNull(),
  /** People who ordered a picture or asked the assistant. */
  actives: integer("actives").notNull(),
  buyers: integer("buyers").notNull(),
  /** Of these, who had never paid before. */
  firstBuyers: integer("first_buyers").notNull(),
  /** Sales of which something stays paid. */
  sales: integer("sales").notNull(),
  paidKopecks: bigInteger("paid_kopecks").notNull(),
  /** What stays paid. */
  baseKopecks: bigInteger("base_kopecks").notNull(),
  taxKopecks: bigInteger("tax_kopecks").notNull(),
  commissionKopecks: bigInteger("commission_kopecks").notNull(),
  /** The part of the commission that is a forecast still. */
  commissionForecastKopecks: bigInteger("commission_forecast_kopecks").notNull(),
  /** The part of `base` that a test shop took: no money moved. */
  testKopecks: bigInteger("test_kopecks").notNull(),
  pictures: integer("pictures").notNull(),
  picturesFailed: integer("pictures_failed").notNull(),
  picturesCancelled: integer("pictures_cancelled").notNull(),
  turns: integer("turns").notNull(),
  turnsFailed: integer("turns_failed").notNull(),
  /** What providers took, at the prices of the day. */
  pictureCostKopecks: bigInteger("picture_cost_kopecks").notNull(),
  turnCostKopecks: bigInteger("turn_cost_kopecks").notNull(),
  /** Prices at which the cost was counted; a day that is counted again keeps them. */
  kieThousandKopecks: bigInteger("kie_thousand_kopecks").notNull(),
  dollarKopecks: bigInteger("dollar_kopecks").notNull(),
  /** Pictures by the time from order to end, one count for each step of `PICTURE_SECONDS`. */
  pictureTimes: json<number[]>("picture_times").notNull(),
  computedAt: moment("computed_at").notNull(),
});

/** What each product brought in a day. */
export const productFigures = table(
  "product_figures",
  {
    date: text("date").notNull(),
    product: text("product").notNull(),
    sales: integer("sales").notNull(),
    credits: bigInteger("credits").notNull(),
    paidKopecks: bigInteger("paid_kopecks").notNull(),
    baseKopecks: bigInteger("base_kopecks").notNull(),
    taxKopecks: bigInteger("tax_kopecks").notNull(),
    commissionKopecks: bigInteger("commission_kopecks").notNull(),
  },
  (row) => [primaryKey({ columns: [row.date, row.product] })],
);

/** What each action cost in a day, by what paid for it. */
export const actionFigures = table(
  "action_figures",
  {
    date: text("date").notNull(),
    action: text("action").notNull(),
    paidBy: oneOf("paid_by", PAID_BY).notNull(),
    /** An action that several kinds of credits paid for counts with the kind that paid most of it. */
    actions: integer("actions").notNull(),
    credits: bigInteger("credits").notNull(),
    costKopecks: bigInteger("cost_kopecks").notNull(),
  },
  (row) => [primaryKey({ columns: [row.date, row.action, row.paidBy] })],
);

/** Which days have to be counted again, and how far that is known. One row. */
export const figureMarks = table("figure_marks", {
  name: text("name").primaryKey(),
  /** Payments changed up to here have been seen. */
  seenUntil: moment("seen_until").notNull(),
});

/** Plans that cost more than they bring, so that the owner is told once. */
export const economyWarnings = table("economy_warnings", {
  product: text("product").primaryKey(),
  toldAt: moment("told_at").notNull(),
});
