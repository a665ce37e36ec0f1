import { type Action, usePrice } from "./balance.ts";
import { shellWords } from "./words-shell.ts";

/** What an action costs this person now: "Free · 9 left" or "2 credits". Its place is kept until it is known. */
export function PriceTag({ action }: { action: Action }) {
  const price = usePrice(action);
  if (price === null) return <span class="price">&nbsp;</span>;
  return (
    <span class={`price ${price.isFree ? "price-free" : ""}`}>
      {price.isFree
        ? shellWords("free_action", { count: price.freeLeft })
        : shellWords("credits", { count: price.credits })}
    </span>
  );
}
