import { addressOf } from "../kit/route.ts";
import { type Balance, useBalance } from "./balance.ts";
import { dayAndTime, dayOf } from "./format.ts";
import { Shown } from "./notice.tsx";
import { hasScreen } from "./screen.ts";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

/** What can be spent: credits, and free actions with when they renew. */
export function Purse() {
  return (
    <section class="card purse" aria-label={shopWords("purse")}>
      <Shown of={useBalance()} waiting={<div class="purse-waiting" />}>
        {(balance) => <Contents balance={balance} />}
      </Shown>
    </section>
  );
}

function Contents({ balance }: { balance: Balance }) {
  const { credits, reserved, free_actions: free, next_expiry: next, subscription } = balance;
  // What lasts as long as the subscription is said there.
  const isSaidBelow = next !== null && next.at === subscription?.ends_at && next.credits === subscription.credits_left;
  const freeLeft = Math.max(0, free.limit - free.used);
  return (
    <>
      <p class="purse-credits">{shellWords("credits", { count: credits })}</p>
      {reserved > 0 && <p class="quiet">{shopWords("held", { count: reserved })}</p>}
      {next !== null && !isSaidBelow && (
        <p class="quiet">{shopWords("next_expiry", { count: next.credits, when: dayOf(next.at) })}</p>
      )}
      {free.limit > 0 && (
        <>
          <p class="purse-free">
            {freeLeft > 0 ? shopWords("free_left", { count: freeLeft, limit: free.limit }) : shopWords("free_none")}
          </p>
          <progress max={free.limit} value={freeLeft} aria-label={shopWords("free_actions")} />
          <p class="quiet">{shopWords("free_renew", { count: free.limit, when: dayAndTime(free.renews_at) })}</p>
        </>
      )}
      {hasScreen("history") && (
        <a class="purse-history" href={addressOf("history")}>
          {shopWords("history")}
        </a>
      )}
    </>
  );
}
