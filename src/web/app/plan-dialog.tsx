import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { money } from "../kit/format.ts";
import { useAction, useLoaded } from "../kit/loading.ts";
import { dayOf } from "./format.ts";
import { Shown } from "./notice.tsx";
import { useOrdering } from "./ordering.ts";
import { nameOfProduct, type PlanType } from "./prices.ts";
import type { Subscription } from "./subscription-card.tsx";
import { toast } from "./toast.tsx";
import { shellWords } from "./words-shell.ts";
import { shopWords } from "./words-shop.ts";

type PlanChange = AnswerOf<typeof api.subscription.change.get>;

interface PlanDialogProps {
  plan: PlanType;
  running: Subscription | null;
  /** Whether a plan can renew itself at all. */
  mayRenew: boolean;
  onClose: () => void;
  onChange: () => void;
}

/** What choosing a plan would do and cost, as the server says it; then it is paid, or noted for the next period. */
export function PlanDialog({ plan, running, mayRenew, onClose, onChange }: PlanDialogProps) {
  const change = useLoaded(async () => answerOf(api.subscription.change.get({ query: { plan } })), [plan]);
  const [savesMethod, setSavesMethod] = useState(false);
  const ordering = useOrdering();
  const later = useAction(async () => {
    await answerOf(api.subscription.change.post({ plan }));
    toast(shopWords("change_noted"));
    onChange();
  });
  const preview = change.value;
  const isLater = preview?.change === "downgrade";
  // A card that is stored already goes on being charged; nothing new has to be allowed.
  const asksToSave = mayRenew && preview !== null && !isLater && (running === null || running.method === null);
  const paying = { ...ordering, run: () => ordering.order(plan, asksToSave && savesMethod) };
  return (
    <Dialog
      title={nameOfProduct(plan, 0)}
      confirm={preview === null ? "…" : confirmOf(preview)}
      isReady={preview !== null && preview.change !== "none"}
      action={isLater ? later : paying}
      onClose={onClose}
      onDone={onClose}
    >
      <Shown of={change} waiting={<p class="plan-waiting">&nbsp;</p>}>
        {(known) => (
          <>
            <p>{textOf(known, running)}</p>
            {known.credits_counted > 0 && <p>{shopWords("change_counted", { count: known.credits_counted })}</p>}
          </>
        )}
      </Shown>
      {asksToSave && (
        <label class="tick">
          <input
            type="checkbox"
            checked={savesMethod}
            onChange={(event) => setSavesMethod(event.currentTarget.checked)}
          />
          <span>{shopWords("save_method", { price: money(preview.price_kopecks) })}</span>
        </label>
      )}
      {asksToSave && <p class="quiet">{shopWords(savesMethod ? "save_method_on" : "save_method_off")}</p>}
      {ordering.isWaiting && <p role="status">{shellWords("still_sending")}</p>}
    </Dialog>
  );
}

const confirmOf = (change: PlanChange): string =>
  change.change === "downgrade" ? shopWords("change_later") : shopWords("pay", { price: money(change.amount_kopecks) });

function textOf(change: PlanChange, running: Subscription | null): string {
  const price = money(change.price_kopecks);
  const when = dayOf(change.starts_at);
  switch (change.change) {
    case "purchase":
      return shopWords("change_purchase", { price });
    case "extension":
      return shopWords("change_extension", { price, when });
    case "upgrade":
      return shopWords("change_upgrade", {
        price,
        unused: money(change.unused_kopecks),
        now: money(change.amount_kopecks),
      });
    case "downgrade":
      return shopWords(running?.auto_renew ? "change_downgrade" : "change_downgrade_by_hand", { price, when });
    case "none":
      return shopWords("change_none");
  }
}
