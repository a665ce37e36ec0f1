import { useEffect } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useLoaded } from "../kit/loading.ts";
import { Waiting } from "../kit/states.tsx";
import { type Catalogue, useCatalogue } from "./balance.ts";
import { ShopIcon } from "./icons.tsx";
import { useLive } from "./live.ts";
import { goInstead } from "./navigation.ts";
import { Notice, Shown } from "./notice.tsx";
import { lastPaymentId, RETURN } from "./open-payment.ts";
import { OpenPayments, useNewestPayments } from "./open-payments.tsx";
import { Packs } from "./packs.tsx";
import { PaymentPage } from "./payment-page.tsx";
import { Plans } from "./plans.tsx";
import { PromoCode } from "./promo-code.tsx";
import { Purse } from "./purse.tsx";
import type { Screen } from "./screen.ts";
import { ShopLinks } from "./shop-links.tsx";
import { SubscriptionCard } from "./subscription-card.tsx";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

export const shopScreen: Screen = {
  section: "shop",
  title: () => shellWords("shop"),
  found: "tab",
  icon: ShopIcon,
  draw: (id) => (id === null ? <Shop /> : id === RETURN ? <Returned /> : <PaymentPage id={id} />),
};

/** What begins, changes or ends a subscription. */
const CHANGES_IT: ReadonlySet<string> = new Set(["hello", "subscription.changed", "payment.succeeded"]);

/** What the person has, and what they can buy. */
function Shop() {
  const catalogue = useCatalogue();
  const subscription = useLoaded(() => answerOf(api.subscription.get()), []);
  useLive(({ type }) => {
    if (CHANGES_IT.has(type)) subscription.reload();
  });
  const payments = useNewestPayments();
  const running = subscription.value?.subscription ?? null;
  // What comes above the shelves comes first: nothing may move away from under a finger that pays.
  const isReady = [subscription, payments].every(({ value, failure }) => value !== null || failure !== null);
  return (
    <>
      <h1>{shopWords("title")}</h1>
      <OpenPayments payments={payments.value ?? []} />
      <Purse />
      {subscription.failure && <Notice failure={subscription.failure} again={subscription.reload} />}
      {running && <SubscriptionCard subscription={running} onChange={subscription.reload} />}
      {!isReady ? (
        <Waiting />
      ) : (
        <>
          <Shown of={catalogue} waiting={<Waiting />}>
            {(sold) =>
              isSelling(sold) ? (
                <>
                  <Packs packs={sold.packs} />
                  {subscription.value && <Plans catalogue={sold} running={running} onChange={subscription.reload} />}
                </>
              ) : (
                <p class="nothing">{shopWords("closed")}</p>
              )
            }
          </Shown>
          <PromoCode />
          <ShopLinks />
        </>
      )}
    </>
  );
}

const isSelling = ({ packs, plans }: Catalogue): boolean => [...packs, ...plans].some(({ available }) => available);

/** Somebody comes back from the pay page: to the payment that they ordered. */
function Returned() {
  const last = useLoaded(lastPaymentId, []);
  useEffect(() => {
    if (last.value !== null) goInstead("shop", last.value.id ?? undefined);
  }, [last.value]);
  return (
    <>
      <h1>{shopWords("title")}</h1>
      {last.failure ? <Notice failure={last.failure} again={last.reload} /> : <Waiting />}
    </>
  );
}
