import { money } from "../kit/format.ts";
import type { Catalogue } from "./balance.ts";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

type Product = Pick<Catalogue["packs"][number], "credits" | "price_kopecks">;

/** What one credit of a product costs, to the kopeck. */
export const pricePerCredit = ({ price_kopecks: kopecks, credits }: Product): string =>
  money(Math.round(kopecks / credits));

/**
 * The product whose credit costs least, if there is one: of a single product, or where the cheapest two cost the same, nothing
 * may be called the best.
 */
export function bestValueOf<One extends Product>(products: readonly One[]): One | null {
  if (products.length < 2) return null;
  // Multiplied out, so that no rounding decides.
  const isCheaper = (one: Product, other: Product) =>
    one.price_kopecks * other.credits < other.price_kopecks * one.credits;
  return products.find((one) => products.every((other) => other === one || isCheaper(one, other))) ?? null;
}

const PLAN_NAMES = { basic: "plan_basic", pro: "plan_pro", premium: "plan_premium" } as const;
export type PlanType = keyof typeof PLAN_NAMES;

export const isPlan = (key: string): key is PlanType => Object.hasOwn(PLAN_NAMES, key);

/** A plan or a pack by the name that people know it by. */
export function nameOfProduct(key: string, credits: number): string {
  return isPlan(key) ? shopWords(PLAN_NAMES[key]) : shellWords("credits", { count: credits });
}
