import { useState } from "preact/hooks";
import { answerOf, api, newKey } from "../shared/api.ts";
import { Dialog } from "../shared/dialog.tsx";
import { TextField } from "../shared/fields.tsx";
import { money, number } from "../shared/format.ts";
import { useAction, useLoaded } from "../shared/loading.ts";
import { WhenLoaded } from "../shared/states.tsx";
import { Facts, isReason, ReasonField, When } from "./parts.tsx";
import { words } from "./words.ts";

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
      isReady={isSum && isReason(reason)}
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
      {isSum && <Preview id={id} kopecks={kopecks} />}
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}

function Preview({ id, kopecks }: { id: string; kopecks: number }) {
  const preview = useLoaded(
    () => answerOf(api.admin.payments({ id }).refund.get({ query: { amount_kopecks: kopecks } })),
    [id, kopecks],
  );
  return (
    <WhenLoaded of={preview}>
      {(value) => (
        <Facts
          rows={[
            [words("refund_rest"), money(value.rest_kopecks)],
            [words("credits_revoked"), number(value.credits_revoked)],
            [words("credits_used"), number(value.credits_used)],
            [words("tax"), `${money(value.tax_before_kopecks)} → ${money(value.tax_after_kopecks)}`],
            [words("commission_lost"), money(value.commission_lost_kopecks)],
            [
              words("plan"),
              value.subscription && (
                <>
                  {value.subscription.ends ? words("plan_ends") : words("until")}{" "}
                  <When at={value.subscription.ends_at_after} />
                </>
              ),
            ],
          ]}
        />
      )}
    </WhenLoaded>
  );
}

/** Roubles as they are typed, with a point or a comma; null for what is no sum. */
function kopecksOf(text: string): number | null {
  const [, roubles, rest = ""] = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(text.trim()) ?? [];
  return roubles === undefined ? null : Number(roubles) * 100 + Number(rest.padEnd(2, "0"));
}
