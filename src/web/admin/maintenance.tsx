import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { TextField } from "../kit/fields.tsx";
import { useAction } from "../kit/loading.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { mayAct } from "./entry.ts";
import { useLive } from "./live.ts";
import { isReason, Mark, PersonLink, ReasonDialog, ReasonField, When } from "./parts.tsx";
import { words } from "./words.ts";

type State = AnswerOf<typeof api.admin.maintenance.get>;

/** The server's limit for one notice. */
const NOTICE_LENGTH_MAX = 500;

/** Whether new pictures are taken, and the switch. */
export function Maintenance() {
  const state = useLive(() => answerOf(api.admin.maintenance.get()), [], "maintenance");
  const [isAsking, setIsAsking] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const close = (sentence: string) => {
    setIsAsking(false);
    setDone(sentence);
    state.reload();
  };
  return (
    <>
      <h2>{words("maintenance")}</h2>
      {done && (
        <p class="done" role="status">
          {done}
        </p>
      )}
      <WhenLoaded of={state}>
        {(value) => (
          <>
            <StateOf state={value} />
            {mayAct("owner") && value.by !== "setting" && (
              <Button size="s" mode="bezeled" onClick={() => setIsAsking(true)}>
                {words(value.on ? "maintenance_end" : "maintenance_begin")}
              </Button>
            )}
            {isAsking && !value.on && (
              <BeginDialog onDone={() => close(words("maintenance_begun"))} onClose={() => setIsAsking(false)} />
            )}
            {isAsking && value.on && (
              <ReasonDialog
                title={words("maintenance_end")}
                confirm={words("maintenance_end")}
                act={(reason) => answerOf(api.admin.maintenance.post({ on: false, reason }))}
                onDone={() => close(words("maintenance_ended"))}
                onClose={() => setIsAsking(false)}
              />
            )}
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function StateOf({ state }: { state: State }) {
  if (!state.on) return <p>{words("maintenance_off")}</p>;
  return (
    <p>
      <Mark tone="warn">{words("maintenance_on")}</Mark> {state.by === "setting" && words("maintenance_by_setting")}
      {state.since !== null && <When at={state.since} />}
      {state.operator && (
        <>
          {" · "}
          <PersonLink person={state.operator} />
        </>
      )}
      {state.reason !== null && ` · ${state.reason}`}
    </p>
  );
}

/** What people read instead of the usual sentence may be left out. */
function BeginDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [russian, setRussian] = useState("");
  const [english, setEnglish] = useState("");
  const [reason, setReason] = useState("");
  const action = useAction(async () => {
    const [ru, en] = [russian.trim(), english.trim()];
    await answerOf(
      api.admin.maintenance.post({
        on: true,
        reason: reason.trim(),
        ...(ru === "" ? {} : { notice_ru: ru }),
        ...(en === "" ? {} : { notice_en: en }),
      }),
    );
  });
  return (
    <Dialog
      title={words("maintenance_begin")}
      confirm={words("maintenance_begin")}
      isDangerous
      isReady={isReason(reason)}
      action={action}
      onDone={onDone}
      onClose={onClose}
    >
      <p>{words("maintenance_hint")}</p>
      <TextField
        label={words("text_ru")}
        hint={words("maintenance_notice_hint")}
        value={russian}
        onChange={setRussian}
        lines={2}
        maxLength={NOTICE_LENGTH_MAX}
      />
      <TextField
        label={words("text_en")}
        hint={words("maintenance_notice_hint")}
        value={english}
        onChange={setEnglish}
        lines={2}
        maxLength={NOTICE_LENGTH_MAX}
      />
      <ReasonField value={reason} onChange={setReason} />
    </Dialog>
  );
}
