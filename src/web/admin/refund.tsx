import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api, newKey } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { TextField } from "../kit/fields.tsx";
import { money, number } from "../kit/format.ts";
import { useAction, useLoaded } from "../kit/loading.ts";
import { Failure, Waiting } from "../kit/states.tsx";
import { Facts, isReason, ReasonField, When } from "./parts.tsx";
import { words } from "./words.ts";

type Preview = AnswerOf<ReturnType<typeof api.admin.payments>["refund"]["get"]>;

interface RefundProps {
  id: string;
  refundableKopecks: number;
  onDone: (sentence: string) => void;
  onClose: () => void;
}

/** Money goes back only after its consequences have been shown: credits, tax, commission, the plan's time. */
export function RefundDialog({ id, refundableKopecks, onDone, onClose }: RefundProps) {
  const [roubles, setRoubles] = useState(String(refundableKopecks / 100));
  const [reason, setReason] = useState("");
  // A repetition under the same key is the same refund; another sum is another one.
  const [keys] = useState(() => new Map<number, string>());
  const kopecks = kopecksOf(roubles);
  const isSum = kopecks !== null && kopecks > 0 && kopecks <= refundableKopecks;
  const preview = useLoaded(
    () =>
      isSum
        ? answerOf(api.admin.payments({ id }).refund.get({ query: { amount_kopecks: kopecks } }))
        : Promise.resolve(null),
    [id, kopecks, isSum],
  );
  // Nobody sends money back by figures of another sum, or before they have come.
  const shown = preview.value?.amount_kopecks === kopecks ? preview.value : null;
  const action = useAction(async () => {
    if (kopecks === null) return;
    const key = keys.get(kopecks) ?? newKey();
    keys.set(kopecks, key);
    const body = { amount_kopecks: kopecks, reason: reason.trim() };
    await answerOf(api.admin.payments({ id }).refund.post(body, { headers: { "idempotency-key": key } }));
  });
  return (
    <Dialog
      title={words("refund")}
      confirm={words("refund_confirm", { amount: money(kopecks ?? 0) })}
      isDangerous
      isReady={isSum && shown !== null && isReason(reason)}
      action={action}
      onDone={() => onDone(words("refund_done", { amount: money(kopecks ?? 0) }))}
      onClose={onClose}
    >
      <TextField
        label={words("refund_sum")}
        hint={words("refund_hint", { amount: money(refundableKopecks) })}
        type="number"
        min={0.01}
        max={refundableKopecks / 100}
        step={0.01}
        value={roubles}
        onChange={setRoubles}
        required
      />
      {isSum &&
        (shown ? (
          <PreviewFacts preview={shown} />
        ) : preview.failure ? (
          <Failure failure={preview.failure} again={preview.reload} />
        ) : (
          <Waiting />
        ))}
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}

function PreviewFacts({ preview }: { preview: Preview }) {
  const { subscription } = preview;
  return (
    <Facts
      rows={[
        [words("refund_rest"), money(preview.rest_kopecks)],
        [words("credits_revoked"), number(preview.credits_revoked)],
        [words("credits_used"), number(preview.credits_used)],
        [words("tax"), `${money(preview.tax_before_kopecks)} → ${money(preview.tax_after_kopecks)}`],
        [words("commission_lost"), money(preview.commission_lost_kopecks)],
        [
          words("plan"),
          subscription && (
            <>
              {words(subscription.ends ? "plan_ends" : "until")} <When at={subscription.ends_at_after} />
            </>
          ),
        ],
      ]}
    />
  );
}

/** Roubles as they are typed, with a point or a comma; null for what is no sum. */
function kopecksOf(text: string): number | null {
  const [, roubles, rest = ""] = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(text.trim()) ?? [];
  return roubles === undefined ? null : Number(roubles) * 100 + Number(rest.padEnd(2, "0"));
}
