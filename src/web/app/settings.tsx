import { useEffect, useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { useLoaded } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { LANGUAGES, type Language } from "../kit/words.ts";
import { BotChat } from "./bot-chat.tsx";
import { changeLanguage, changeNotifications, signOut, useMe } from "./entry.ts";
import { Erase } from "./erase.tsx";
import { Export } from "./export.tsx";
import { feel } from "./haptics.ts";
import { ForwardIcon } from "./icons.tsx";
import { SettingsIcon } from "./icons-more.tsx";
import { useIntention } from "./intention.ts";
import { openContact, openPage } from "./links.ts";
import { Notice } from "./notice.tsx";
import type { Screen } from "./screen.ts";
import { settingsWords } from "./words-settings.ts";
import { shellWords } from "./words-shell.ts";

/** Put in place when the page is bundled. */
declare const PAGE_VERSION: string;

const ERASE = "erase";

export const settingsScreen: Screen = {
  section: "settings",
  title: () => settingsWords("title"),
  found: "more",
  icon: SettingsIcon,
  draw: (id) => (id === ERASE ? <Erase /> : <Settings />),
};

/** In their own language, as somebody who cannot read the present one would look for them. */
const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { ru: "Русский", en: "English" };

function Settings() {
  return (
    <>
      <h1>{settingsWords("title")}</h1>
      <LanguageChoice />
      <h2>{settingsWords("notifications")}</h2>
      <ul class="rows">
        <Switch kind="results" />
        <Switch kind="news" />
      </ul>
      <BotChat />
      <h2>{settingsWords("data")}</h2>
      <Export />
      <h2>{settingsWords("sessions")}</h2>
      <Sessions />
      <h2>{settingsWords("about")}</h2>
      <About />
    </>
  );
}

function LanguageChoice() {
  const { language } = useMe();
  const [wanted, setWanted] = useState<Language | null>(null);
  const change = useIntention(() => changeLanguage(wanted ?? language));
  useEffect(() => {
    if (wanted === null) return;
    change.run().finally(() => setWanted(null));
  }, [wanted]);
  return (
    <>
      <fieldset class="segments">
        <legend class="unseen">{settingsWords("language")}</legend>
        {LANGUAGES.map((one) => (
          <button
            key={one}
            type="button"
            lang={one}
            aria-pressed={one === (wanted ?? language)}
            disabled={change.isBusy}
            onClick={() => {
              feel("select");
              if (one !== language) setWanted(one);
            }}
          >
            {LANGUAGE_NAMES[one]}
          </button>
        ))}
      </fieldset>
      <Going of={change} />
    </>
  );
}

function Switch({ kind }: { kind: "results" | "news" }) {
  const { notifications } = useMe();
  const [wanted, setWanted] = useState<boolean | null>(null);
  const isOn = wanted ?? notifications[kind];
  const change = useIntention(() => changeNotifications({ [kind]: isOn }));
  useEffect(() => {
    if (wanted === null) return;
    change.run().finally(() => setWanted(null));
  }, [wanted]);
  const hintId = `hint-${kind}`;
  return (
    <li>
      <label class="row">
        <span class="row-text">
          {settingsWords(kind)}
          <br />
          <small class="quiet" id={hintId}>
            {settingsWords(`${kind}_hint`)}
          </small>
        </span>
        <input
          type="checkbox"
          role="switch"
          class="switch"
          aria-label={settingsWords(kind)}
          aria-describedby={hintId}
          checked={isOn}
          aria-checked={isOn}
          aria-busy={change.isBusy}
          onChange={(event) => {
            // The box shows what is wanted or known, whatever a tap in between did to it.
            event.currentTarget.checked = isOn;
            if (change.isBusy) return;
            feel("select");
            setWanted(!notifications[kind]);
          }}
        />
      </label>
      <Going of={change} />
    </li>
  );
}

/** What became of a change that shows its outcome by itself when all goes well. */
function Going({ of: { isWaiting, failure } }: { of: Pick<ReturnType<typeof useIntention>, "isWaiting" | "failure"> }) {
  return (
    <>
      {isWaiting && (
        <p class="settings-waiting" role="status">
          {shellWords("still_sending")}
        </p>
      )}
      {failure && <Notice failure={failure} />}
    </>
  );
}

function Sessions() {
  const here = useIntention(() => signOut(false));
  const everywhere = useIntention(() => signOut(true));
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Going of={here} />
      <ul class="rows">
        <li>
          <button type="button" class="row" disabled={here.isBusy} onClick={() => here.run()}>
            <span class="row-text">{settingsWords("sign_out")}</span>
          </button>
        </li>
        <li>
          <button type="button" class="row" onClick={() => setAsking(true)}>
            <span class="row-text">{settingsWords("sign_out_everywhere")}</span>
          </button>
        </li>
        <li>
          <a class="row settings-danger" href={addressOf("settings", ERASE)}>
            <span class="row-text">{settingsWords("erase")}</span>
            <ForwardIcon />
          </a>
        </li>
      </ul>
      {isAsking && (
        <Dialog
          title={settingsWords("sign_out_title")}
          confirm={settingsWords("sign_out_everywhere")}
          action={everywhere}
          onDone={() => setAsking(false)}
          onClose={() => setAsking(false)}
        >
          <p>{settingsWords("sign_out_text")}</p>
          {everywhere.isWaiting && <p role="status">{shellWords("still_sending")}</p>}
        </Dialog>
      )}
    </>
  );
}

function About() {
  const { consent } = useMe();
  const status = useLoaded(() => answerOf(api.status.get()), []);
  const support = status.value?.support_contact ?? null;
  const terms = consent.terms_url;
  return (
    <ul class="rows">
      {terms !== null && (
        <li>
          <button type="button" class="row" onClick={() => openPage(terms)}>
            <span class="row-text">{settingsWords("terms")}</span>
            <ForwardIcon />
          </button>
        </li>
      )}
      {support !== null && <Support contact={support} />}
      <li>
        <div class="row">
          <span class="row-text">{settingsWords("version")}</span>
          <span class="quiet">{PAGE_VERSION}</span>
        </div>
      </li>
    </ul>
  );
}

/** As the owner wrote it: a name in Telegram, an address, or words. */
function Support({ contact }: { contact: string }) {
  const open = openContact(contact);
  const text = (
    <>
      <span class="row-text">{settingsWords("support")}</span>
      <span class="quiet settings-contact">{contact}</span>
    </>
  );
  return (
    <li>
      {open === null ? (
        <div class="row">{text}</div>
      ) : (
        <button type="button" class="row" onClick={open}>
          {text}
        </button>
      )}
    </li>
  );
}
