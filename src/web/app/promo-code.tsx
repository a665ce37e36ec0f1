import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { TextField } from "../kit/fields.tsx";
import { reloadBalance } from "./balance.ts";
import { feel } from "./haptics.ts";
import { useIntention } from "./intention.ts";
import { Notice } from "./notice.tsx";
import { nameOfProduct } from "./prices.ts";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

const CODE_LENGTH_MAX = 64;

/** A code that somebody was given. */
export function PromoCode() {
  const [code, setCode] = useState("");
  const [given, setGiven] = useState<string | null>(null);
  const redeeming = useIntention(async (key) => {
    const got = await answerOf(api.promo.redeem.post({ code }, { headers: { "idempotency-key": key } }));
    feel("success");
    setGiven(
      got.plan !== null
        ? shopWords("promo_plan", { count: got.plan.days, what: nameOfProduct(got.plan.type, 0) })
        : shopWords("promo_credits", { count: got.credits ?? 0 }),
    );
    setCode("");
    reloadBalance();
  });
  return (
    <section class="card" aria-label={shopWords("promo")}>
      <h2>{shopWords("promo")}</h2>
      <form
        class="promo"
        onSubmit={(event) => {
          event.preventDefault();
          setGiven(null);
          if (code.trim() !== "") redeeming.run();
        }}
      >
        <TextField label={shopWords("promo_label")} value={code} onChange={setCode} maxLength={CODE_LENGTH_MAX} />
        <Button
          type="submit"
          size="m"
          mode="bezeled"
          loading={redeeming.isBusy}
          disabled={redeeming.isBusy || code.trim() === ""}
        >
          {shopWords("promo_use")}
        </Button>
      </form>
      <div role="status">
        {redeeming.isWaiting && <p>{shellWords("still_sending")}</p>}
        {given !== null && <p class="good">{given}</p>}
      </div>
      {redeeming.failure && <Notice failure={redeeming.failure} />}
    </section>
  );
}
