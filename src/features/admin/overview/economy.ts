import { and, asc, gte, lte, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { moscowDate } from "../../../platform/moscow.ts";
import { dateBefore, percentOf } from "./overview.ts";
import { actionFigures, PAID_BY, productFigures } from "./overview-tables.ts";

type Needs = Pick<Context, "db" | "clock" | "catalogue">;

const sum = (column: Parameters<typeof sql>[1]) => sql`coalesce(sum(${column}), 0)`.mapWith(Number);

/**
 * What an action costs, what paid for it, and what each product leaves when all its credits are used. A product's cost is
 * reckoned with what a paid credit cost on average in the period, since credits of several products pay for one
 * action and are used months after they were bought; free actions are nobody's product and stand apart.
 */
export async function economyOf(ctx: Needs, days: number) {
  const now = ctx.clock.now();
  const [from, to] = [dateBefore(now, days - 1), moscowDate(now)];
  const actions = await actionsBetween(ctx, from, to);
  const paid = actions.filter((row) => row.paidBy !== "free");
  const paidCredits = total(paid.map((row) => row.credits));
  const creditCost = paidCredits === 0 ? null : total(paid.map((row) => row.cost)) / paidCredits;
  const products = await productsBetween(ctx, from, to);
  return {
    from,
    to,
    credit_cost_kopecks: creditCost === null ? null : rounded(creditCost),
    free_cost_kopecks: total(actions.filter((row) => row.paidBy === "free").map((row) => row.cost)),
    actions: [...new Set(actions.map((row) => row.action))].map((action) =>
      actionView(
        action,
        actions.filter((row) => row.action === action),
      ),
    ),
    products: knownProducts(ctx, products).map((product) => productView(ctx, product, creditCost)),
  };
}

interface ActionSums {
  action: string;
  paidBy: (typeof PAID_BY)[number];
  actions: number;
  credits: number;
  cost: number;
}

function actionsBetween(ctx: Pick<Context, "db">, from: string, to: string): Promise<ActionSums[]> {
  return ctx.db
    .select({
      action: actionFigures.action,
      paidBy: actionFigures.paidBy,
      actions: sum(actionFigures.actions),
      credits: sum(actionFigures.credits),
      cost: sum(actionFigures.costKopecks),
    })
    .from(actionFigures)
    .where(and(gte(actionFigures.date, from), lte(actionFigures.date, to)))
    .groupBy(actionFigures.action, actionFigures.paidBy)
    .orderBy(asc(actionFigures.action), asc(actionFigures.paidBy));
}

function actionView(action: string, rows: readonly ActionSums[]) {
  const actions = total(rows.map((row) => row.actions));
  const cost = total(rows.map((row) => row.cost));
  return {
    action,
    actions,
    credits: total(rows.map((row) => row.credits)),
    cost_kopecks: cost,
    cost_each_kopecks: actions === 0 ? null : rounded(cost / actions),
    paid_by: PAID_BY.flatMap((paidBy) =>
      rows
        .filter((row) => row.paidBy === paidBy)
        .map((row) => ({ paid_by: paidBy, actions: row.actions, credits: row.credits, cost_kopecks: row.cost })),
    ),
  };
}

interface ProductSums {
  product: string;
  sales: number;
  credits: number;
  base: number;
  tax: number;
  commission: number;
}

function productsBetween(ctx: Pick<Context, "db">, from: string, to: string): Promise<ProductSums[]> {
  return ctx.db
    .select({
      product: productFigures.product,
      sales: sum(productFigures.sales),
      credits: sum(productFigures.credits),
      base: sum(productFigures.baseKopecks),
      tax: sum(productFigures.taxKopecks),
      commission: sum(productFigures.commissionKopecks),
    })
    .from(productFigures)
    .where(and(gte(productFigures.date, from), lte(productFigures.date, to)))
    .groupBy(productFigures.product)
    .orderBy(asc(productFigures.product));
}

/** Those of the catalogue in its order, sold or not, and those that were sold and stand in it no more. */
function knownProducts({ catalogue }: Pick<Context, "catalogue">, sold: readonly ProductSums[]): ProductSums[] {
  const keys = [...catalogue.plans, ...catalogue.packs].map(({ key }): string => key);
  const none = (product: string) => ({ product, sales: 0, credits: 0, base: 0, tax: 0, commission: 0 });
  const listed = keys.map((key) => sold.find(({ product }) => product === key) ?? none(key));
  return [...listed, ...sold.filter(({ product }) => !keys.includes(product))];
}

function productView({ catalogue }: Pick<Context, "catalogue">, sums: ProductSums, creditCost: number | null) {
  const plan = catalogue.plans.find(({ key }) => key === sums.product);
  const entry = plan ?? catalogue.packs.find(({ key }) => key === sums.product);
  const net = sums.base - sums.tax - sums.commission;
  const cost = creditCost === null || sums.sales === 0 ? null : Math.round(creditCost * sums.credits);
  const margin = cost === null ? null : net - cost;
  return {
    product: sums.product,
    kind: plan || !sums.product.startsWith("pack_") ? ("plan" as const) : ("pack" as const),
    price_kopecks: entry?.price_kopecks ?? null,
    credits: entry?.credits ?? null,
    sales: sums.sales,
    revenue_kopecks: sums.base,
    tax_kopecks: sums.tax,
    commission_kopecks: sums.commission,
    net_kopecks: net,
    cost_if_all_used_kopecks: cost,
    margin_kopecks: margin,
    margin_percent: margin === null ? null : percentOf(margin, sums.base),
    negative: margin !== null && margin < 0,
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function rounded(kopecks: number): number {
  return Math.round(kopecks * 10) / 10;
}
