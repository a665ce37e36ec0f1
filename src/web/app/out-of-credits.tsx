import { type Action, useBalance, usePrice } from "./balance.ts";
import { dayAndTime } from "./format.ts";
import { MainButton } from "./main-button.tsx";
import { goTo } from "./navigation.ts";
import { hasScreen } from "./screen.ts";
import { fittingWords } from "./words-fitting.ts";
import { shellWords } from "./words-shell.ts";

/** Instead of the button that orders: what is left, when there will be more for nothing, and where more is to be had now. */
export function OutOfCredits({ action }: { action: Action }) {
  const { value: balance } = useBalance();
  const price = usePrice(action);
  if (balance === null || price === null) return null;
  return (
    <>
      <section class="out-of-credits" aria-labelledby="out-of-credits-title">
        <h2 id="out-of-credits-title">{fittingWords("out_title")}</h2>
        <p>
          {fittingWords("out_cost", {
            price: shellWords("credits", { count: price.credits }),
            left: shellWords("credits", { count: balance.credits }),
          })}
        </p>
        {balance.reserved > 0 && (
          <p>{fittingWords("out_reserved", { held: shellWords("credits", { count: balance.reserved }) })}</p>
        )}
        {balance.free_actions.limit > 0 && (
          <p>
            {fittingWords("out_free", {
              count: balance.free_actions.limit,
              when: dayAndTime(balance.free_actions.renews_at),
            })}
          </p>
        )}
        {hasScreen("shop") && <p class="quiet">{fittingWords("out_kept")}</p>}
      </section>
      {hasScreen("shop") && (
        <MainButton
          text={shellWords("get_credits")}
          onPress={() => goTo("shop")}
          after={fittingWords("out_left", { count: balance.credits })}
        />
      )}
    </>
  );
}
