import { Button } from "@telegram-apps/telegram-ui";
import { money } from "../kit/format.ts";
import type { Catalogue } from "./balance.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { useOrdering } from "./ordering.ts";
import { bestValueOf, pricePerCredit } from "./prices.ts";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

/** Credits that never end. */
export function Packs({ packs }: { packs: Catalogue["packs"] }) {
  const ordering = useOrdering();
  const best = bestValueOf(packs);
  if (packs.length === 0) return null;
  return (
    <section class="shelf" aria-label={shopWords("packs")}>
      <h2>{shopWords("packs")}</h2>
      <p class="quiet">{shopWords("packs_bring")}</p>
      <IntentionNotice of={ordering} wouldCost />
      <ul class="rows">
        {packs.map((pack) => (
          <li key={pack.key} class="product">
            <span class="row-text">
              <strong>{shellWords("credits", { count: pack.credits })}</strong>
              <span class="product-note">{shopWords("per_credit", { price: pricePerCredit(pack) })}</span>
              {pack === best && <span class="badge">{shopWords("best_pack")}</span>}
            </span>
            <Button
              size="m"
              loading={ordering.isBusy && ordering.product === pack.key}
              disabled={ordering.isBusy || !pack.available}
              aria-label={shopWords("buy_pack", { count: pack.credits, price: money(pack.price_kopecks) })}
              onClick={() => ordering.order(pack.key)}
            >
              {money(pack.price_kopecks)}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
