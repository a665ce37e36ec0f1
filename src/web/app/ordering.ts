import { useRef, useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { feel } from "./haptics.ts";
import { type Intention, useIntention } from "./intention.ts";
import { openPage } from "./links.ts";
import { goTo } from "./navigation.ts";
import { rememberPayment, returnAddress } from "./open-payment.ts";

export interface Ordering extends Intention {
  /** What is being ordered, or was last. */
  product: string | null;
  /** Orders a product and leads to where it is paid. `savesMethod`: the person lets their card be stored and charged again. */
  order(product: string, savesMethod?: boolean): Promise<boolean>;
}

/** The way to the pay page. While an order of a product can be paid, the server answers with that one and makes no other. */
export function useOrdering(): Ordering {
  const wanted = useRef({ product: "", savesMethod: false });
  const [product, setProduct] = useState<string | null>(null);
  const intention = useIntention(async (key) => {
    const { product: chosen, savesMethod } = wanted.current;
    const body = { product: chosen, ...(await returnAddress()), ...(savesMethod ? { save_method: true } : {}) };
    const { payment } = await answerOf(api.payments.create.post(body, { headers: { "idempotency-key": key } }));
    rememberPayment(payment.id);
    goTo("shop", payment.id);
    if (payment.confirmation_url !== undefined) openPage(payment.confirmation_url);
  });
  return {
    ...intention,
    product,
    async order(chosen, savesMethod = false) {
      if (intention.isBusy) return false;
      wanted.current = { product: chosen, savesMethod };
      setProduct(chosen);
      feel("tap");
      return intention.run();
    },
  };
}
