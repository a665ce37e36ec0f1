import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { TextField } from "../kit/fields.tsx";
import { money } from "../kit/format.ts";
import { useAction } from "../kit/loading.ts";
import { isReason, ReasonField } from "./parts.tsx";
import type { Entry } from "./tax.tsx";
import { words } from "./words.ts";

/** A sale that the owner registered at the tax service by hand: the receipt, and why. */
export function TaxRegistration({ entry, onDone, onClose }: { entry: Entry; onDone: () => void; onClose: () => void }) {
  const [receipt, setReceipt] = useState("");
  const [reason, setReason] = useState("");
  const action = useAction(async () => {
    const body = { receipt: receipt.trim(), reason: reason.trim() };
    await answerOf(api.admin.tax.entries({ id: entry.id }).register.post(body));
  });
  return (
    <Dialog
      title={words("register")}
      confirm={words("register")}
      isReady={/^\S+$/.test(receipt.trim()) && isReason(reason)}
      action={action}
      onDone={onDone}
      onClose={onClose}
    >
      <p>
        {money(entry.gross_kopecks)} · {entry.service}
      </p>
      <TextField
        label={words("receipt")}
        hint={words("receipt_hint")}
        value={receipt}
        maxLength={300}
        onChange={setReceipt}
        required
      />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
