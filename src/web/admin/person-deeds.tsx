import { useState } from "preact/hooks";
import { answerOf, api, newKey } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { TextField } from "../kit/fields.tsx";
import { useAction } from "../kit/loading.ts";
import { isReason, ReasonDialog, ReasonField } from "./parts.tsx";
import { words } from "./words.ts";

export type PersonDeed = "grant" | "message" | "logout" | "ban" | "unban";

interface DeedProps {
  id: string;
  onDone: (sentence: string) => void;
  onClose: () => void;
}

/** What an operator does about a person, each with a reason. */
export function PersonDeeds({ deed, ...props }: DeedProps & { deed: PersonDeed }) {
  const { id, onDone, onClose } = props;
  if (deed === "grant") return <GrantDialog {...props} />;
  if (deed === "message") return <MessageDialog {...props} />;
  return (
    <ReasonDialog
      title={words(deed === "logout" ? "logout_person" : deed)}
      confirm={words(deed === "logout" ? "logout_person" : deed)}
      isDangerous={deed === "ban"}
      act={(reason) => answerOf(api.admin.people({ id })[deed].post({ reason }))}
      onDone={() => onDone(words(`${deed}_done`))}
      onClose={onClose}
    >
      <p>{words(`${deed}_hint`)}</p>
    </ReasonDialog>
  );
}

function GrantDialog({ id, onDone, onClose }: DeedProps) {
  const [credits, setCredits] = useState("10");
  const [reason, setReason] = useState("");
  // One key for one question: a tap that is repeated after a lost answer grants nothing twice.
  const [key] = useState(newKey);
  const [granted, setGranted] = useState(0);
  const action = useAction(async () => {
    const body = { credits: Number(credits), reason: reason.trim() };
    const answer = await answerOf(api.admin.people({ id }).grant.post(body, { headers: { "idempotency-key": key } }));
    setGranted(answer.credits);
  });
  return (
    <Dialog
      title={words("grant")}
      confirm={words("grant")}
      isReady={isReason(reason) && Number.isInteger(Number(credits)) && Number(credits) > 0}
      action={action}
      onDone={() => onDone(words("grant_done", { count: granted || Number(credits) }))}
      onClose={onClose}
    >
      <TextField
        label={words("credits")}
        type="number"
        min={1}
        step={1}
        value={credits}
        onChange={setCredits}
        required
      />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}

function MessageDialog({ id, onDone, onClose }: DeedProps) {
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const action = useAction(async () => {
    await answerOf(api.admin.people({ id }).message.post({ text: text.trim(), reason: reason.trim() }));
  });
  return (
    <Dialog
      title={words("message")}
      confirm={words("send")}
      isReady={text.trim() !== "" && isReason(reason)}
      action={action}
      onDone={() => onDone(words("message_done"))}
      onClose={onClose}
    >
      <TextField
        label={words("text")}
        hint={words("message_hint")}
        value={text}
        onChange={setText}
        lines={5}
        maxLength={3000}
        required
      />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
