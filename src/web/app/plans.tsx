import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { money } from "../kit/format.ts";
import type { Catalogue } from "./balance.ts";
import { PlanDialog } from "./plan-dialog.tsx";
import { bestValueOf, isPlan, nameOfProduct, type PlanType, pricePerCredit } from "./prices.ts";
import type { Subscription } from "./subscription-card.tsx";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

interface PlansProps {
  catalogue: Catalogue;
  running: Subscription | null;
  onChange: () => void;
}

/** Credits for a month, without watermark and ahead in the queue. */
export function Plans({ catalogue, running, onChange }: PlansProps) {
  const [chosen, setChosen] = useState<PlanType | null>(null);
  const { plans } = catalogue;
  const best = bestValueOf(plans);
  if (plans.length === 0) return null;
  return (
    <section class="shelf" aria-label={shopWords("plans")}>
      <h2>{shopWords("plans")}</h2>
      <p class="quiet">{shopWords("plans_bring")}</p>
      <ul class="rows">
        {plans.map((plan) => (
          <li key={plan.key} class="product">
            <span class="row-text">
              <strong>{nameOfProduct(plan.key, plan.credits)}</strong>
              <span class="product-note">
                {shopWords("plan_credits", {
                  credits: shellWords("credits", { count: plan.credits }),
                  price: pricePerCredit(plan),
                })}
              </span>
              {plan.key === running?.type && <span class="badge badge-quiet">{shopWords("running")}</span>}
              {plan === best && <span class="badge">{shopWords("best_plan")}</span>}
            </span>
            <Button
              size="m"
              disabled={!plan.available}
              aria-label={`${nameOfProduct(plan.key, plan.credits)}, ${money(plan.price_kopecks)}`}
              onClick={() => isPlan(plan.key) && setChosen(plan.key)}
            >
              {money(plan.price_kopecks)}
            </Button>
          </li>
        ))}
      </ul>
      {chosen !== null && (
        <PlanDialog
          plan={chosen}
          running={running}
          mayRenew={catalogue.auto_renewal}
          onClose={() => setChosen(null)}
          onChange={onChange}
        />
      )}
    </section>
  );
}
