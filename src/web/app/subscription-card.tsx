import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { money } from "../kit/format.ts";
import { useAction } from "../kit/loading.ts";
import { reloadBalance, useBalance } from "./balance.ts";
import { dayOf } from "./format.ts";
import { Notice } from "./notice.tsx";
import { nameOfProduct } from "./prices.ts";
import { toast } from "./toast.tsx";
import { shopWords } from "./words-shop.ts";

export type Subscription = NonNullable<AnswerOf<typeof api.subscription.get>["subscription"]>;

interface SubscriptionCardProps {
  subscription: Subscription;
  onChange: () => void;
}

/** The running subscription, and what can be decided about it. */
export function SubscriptionCard({ subscription, onChange }: SubscriptionCardProps) {
  const { type, state, ends_at: endsAt, auto_renew: renews, method, next_plan: next } = subscription;
  const [question, setQuestion] = useState<"cancel" | "forget" | null>(null);
  const { value: balance } = useBalance();
  const plan = nameOfProduct(type, 0);
  const changed = () => {
    onChange();
    reloadBalance();
  };
  const resume = useAction(async () => {
    await answerOf(api.subscription.resume.post());
    changed();
    toast(shopWords("resumed"));
  });
  const keep = useAction(async () => {
    await answerOf(api.subscription.change.post({ plan: type }));
    changed();
  });
  return (
    <section class="card" aria-label={shopWords("subscription")}>
      <h2>{shopWords("plan_until", { what: plan, when: dayOf(endsAt) })}</h2>
      {balance?.subscription && <p>{shopWords("plan_credits_left", { count: balance.subscription.credits_left })}</p>}
      <p class="quiet">{renewalOf(subscription)}</p>
      {next !== null && state === "active" && (
        <p>{shopWords("next_plan", { what: nameOfProduct(next.type, 0), price: money(next.amount_kopecks) })}</p>
      )}
      {(resume.failure ?? keep.failure) && <Failed action={resume.failure ? resume : keep} />}
      <div class="notice-buttons">
        {next !== null && state === "active" && (
          <Button size="m" mode="bezeled" loading={keep.isBusy} onClick={() => keep.run()}>
            {shopWords("keep_plan", { what: plan })}
          </Button>
        )}
        {!renews && method !== null && state === "active" && (
          <Button size="m" loading={resume.isBusy} onClick={() => resume.run()}>
            {shopWords("resume")}
          </Button>
        )}
        {renews && (
          <Button size="m" mode="bezeled" onClick={() => setQuestion("cancel")}>
            {shopWords("stop_renewal")}
          </Button>
        )}
        {method !== null && (
          <Button size="m" mode="plain" onClick={() => setQuestion("forget")}>
            {shopWords("forget_card")}
          </Button>
        )}
      </div>
      {question !== null && (
        <Question about={question} subscription={subscription} onClose={() => setQuestion(null)} onDone={changed} />
      )}
    </section>
  );
}

function Failed({ action: { failure, run } }: { action: ReturnType<typeof useAction> }) {
  return failure && <Notice failure={failure} again={() => run()} />;
}

function renewalOf(subscription: Subscription): string {
  const {
    state,
    auto_renew: renews,
    method,
    amount_kopecks: amount,
    next_plan: next,
    next_charge_at: at,
  } = subscription;
  if (state === "grace") return shopWords("grace");
  if (!renews) return shopWords(method === null ? "no_renewal" : "renewal_off");
  const sum = { price: money(next?.amount_kopecks ?? amount), card: method?.title ?? shopWords("saved_card") };
  return at === null ? shopWords("renews", sum) : shopWords("renews_at", { ...sum, when: dayOf(at) });
}

interface QuestionProps extends Pick<SubscriptionCardProps, "subscription"> {
  about: "cancel" | "forget";
  onClose: () => void;
  onDone: () => void;
}

function Question({ about, subscription: { state, ends_at: endsAt }, onClose, onDone }: QuestionProps) {
  const action = useAction(async () => {
    if (about === "cancel") await answerOf(api.subscription.cancel.post());
    else await answerOf(api.subscription.method.delete());
  });
  const isOver = state === "grace";
  return (
    <Dialog
      title={shopWords(about === "cancel" ? "stop_title" : "forget_card_title")}
      confirm={shopWords(about === "cancel" ? "stop_renewal" : "forget_card")}
      isDangerous
      action={action}
      onClose={onClose}
      onDone={() => {
        onClose();
        onDone();
        toast(shopWords(about === "cancel" ? "stopped" : "card_forgotten"));
      }}
    >
      <p>
        {isOver
          ? shopWords("stop_text_over")
          : shopWords(about === "cancel" ? "stop_text" : "forget_card_text", { when: dayOf(endsAt) })}
      </p>
    </Dialog>
  );
}
