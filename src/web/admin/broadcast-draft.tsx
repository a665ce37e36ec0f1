import { useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { ChoiceField, TextField } from "../kit/fields.tsx";
import { useAction } from "../kit/loading.ts";
import type { BroadcastRow } from "./broadcasts.tsx";
import { useLive } from "./live.ts";
import { isReason, ReasonField } from "./parts.tsx";
import { words } from "./words.ts";

/** The server's limit for one text. */
const TEXT_LENGTH_MAX = 3_000;

export const SEGMENTS = ["all", "free", "subscribed", "sleeping"] as const;

interface DraftProps {
  /** The draft that is changed; a new one without. */
  broadcast?: BroadcastRow;
  onDone: (id: string) => void;
  onClose: () => void;
}

/** To whom, and what in both languages: everybody is written to in theirs. */
export function BroadcastDraft({ broadcast, onDone, onClose }: DraftProps) {
  const [segment, setSegment] = useState<BroadcastRow["segment"]>(broadcast?.segment ?? "all");
  const [russian, setRussian] = useState(broadcast?.text_ru ?? "");
  const [english, setEnglish] = useState(broadcast?.text_en ?? "");
  const [reason, setReason] = useState("");
  const audience = useLive(() => answerOf(api.admin.broadcasts.audience.get()), [], "broadcasts");
  const size = audience.value?.segments.find((one) => one.segment === segment);
  const action = useAction(async () => {
    const body = { segment, text_ru: russian.trim(), text_en: english.trim(), reason: reason.trim() };
    const saved =
      broadcast === undefined
        ? await answerOf(api.admin.broadcasts.post(body))
        : await answerOf(api.admin.broadcasts({ id: broadcast.id }).change.post(body));
    onDone(saved.id);
  });
  return (
    <Dialog
      title={words(broadcast === undefined ? "broadcast_new" : "broadcast_change")}
      confirm={words("save")}
      isReady={russian.trim() !== "" && english.trim() !== "" && isReason(reason)}
      action={action}
      onDone={() => undefined}
      onClose={onClose}
    >
      <ChoiceField
        label={words("segment")}
        value={segment}
        onChange={setSegment}
        choices={SEGMENTS.map((one) => [one, words(`segment_${one}`)] as const)}
      />
      {/* Whoever waits for the number may write meanwhile; without it the draft is as good. */}
      <p class="audience" role="status">
        {size && words("audience", { count: size.people, reachable: size.reachable })}
      </p>
      <TextField
        label={words("text_ru")}
        value={russian}
        onChange={setRussian}
        lines={4}
        maxLength={TEXT_LENGTH_MAX}
        required
      />
      <TextField
        label={words("text_en")}
        value={english}
        onChange={setEnglish}
        lines={4}
        maxLength={TEXT_LENGTH_MAX}
        required
      />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
