import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { TextField } from "../kit/fields.tsx";
import { useBalance } from "./balance.ts";
import { eraseMe } from "./entry.ts";
import { feel } from "./haptics.ts";
import { useIntention } from "./intention.ts";
import { IntentionNotice } from "./intention-notice.tsx";
import { settingsWords } from "./words-settings.ts";

/** The last question before everything goes: what does, what stays, and a word that nobody types by accident. */
export function Erase() {
  const { value: balance } = useBalance();
  const [typed, setTyped] = useState("");
  const erasing = useIntention(eraseMe);
  const word = settingsWords("erase_word");
  const isMeant = typed.trim().toLocaleUpperCase() === word;
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isMeant) return;
    feel("warning");
    erasing.run();
  };
  return (
    <>
      <h1>{settingsWords("erase_title")}</h1>
      <p>{settingsWords("erase_text")}</p>
      <h2>{settingsWords("erase_gone")}</h2>
      <ul class="settings-list">
        <li>{settingsWords("erase_photos")}</li>
        <li>{settingsWords("erase_talks")}</li>
        <li>{settingsWords("erase_name")}</li>
        {balance !== null && balance.credits > 0 && (
          <li>{settingsWords("erase_credits", { count: balance.credits })}</li>
        )}
        {balance?.subscription && <li>{settingsWords("erase_subscription")}</li>}
      </ul>
      <h2>{settingsWords("erase_stays")}</h2>
      <ul class="settings-list">
        <li>{settingsWords("erase_payments")}</li>
        <li>{settingsWords("erase_numbers")}</li>
        <li>{settingsWords("erase_month")}</li>
      </ul>
      <p class="quiet">{settingsWords("export_first")}</p>
      <form class="settings-erase" onSubmit={submit}>
        <TextField label={settingsWords("erase_type", { word })} value={typed} onChange={setTyped} maxLength={20} />
        <IntentionNotice of={erasing} />
        <Button
          type="submit"
          size="l"
          stretched
          className="dangerous"
          loading={erasing.isBusy}
          disabled={!isMeant || erasing.isBusy}
        >
          {settingsWords("erase_button")}
        </Button>
      </form>
    </>
  );
}
