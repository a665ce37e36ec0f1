import type { Action, Catalogue } from "../../platform/config/catalogue.ts";

/** What an action costs, in credits. */
export function priceOf(catalogue: Catalogue, action: Action): number {
  return catalogue.actions[action];
}

/** A product that would cover `credits`, cheapest first, for the answer to a person who has too few. */
export function offersFor(
  catalogue: Catalogue,
  credits: number,
): Array<{ key: string; credits: number; price_kopecks: number }> {
  return [...catalogue.packs, ...catalogue.plans]
    .filter((product) => product.credits >= credits)
    .sort((a, b) => a.price_kopecks - b.price_kopecks)
    .slice(0, 3);
}
