import { Button } from "@telegram-apps/telegram-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { common } from "../kit/common-words.ts";
import { launchData } from "../kit/telegram.ts";
import { entry } from "./entry.ts";
import { addressAs, chatAddressOf, SANDBOX_PEOPLE, sandboxPersonId } from "./sandbox-person.ts";
import { sandboxWords } from "./words-sandbox.ts";
import { shellWords } from "./words-shell.ts";

/** Says on every place of the page that nothing here is real, and lets one be somebody else. */
export function Ribbon() {
  const [isOpen, setOpen] = useState(false);
  const now = entry.use();
  const name = now.state === "in" ? now.me.first_name : null;
  if (launchData() !== null) return <p class="ribbon">{shellWords("sandbox")}</p>;
  return (
    <>
      <button type="button" class="ribbon" onClick={() => setOpen(true)}>
        {name === null ? shellWords("sandbox") : shellWords("sandbox_as", { name })}
      </button>
      {isOpen && <People onClose={() => setOpen(false)} />}
    </>
  );
}

function People({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const me = sandboxPersonId();
  return (
    <dialog ref={dialog} class="dialog" aria-label={shellWords("sandbox_title")} onClose={onClose}>
      <h2>{shellWords("sandbox_title")}</h2>
      <p>{shellWords("sandbox_text")}</p>
      <ul class="rows">
        {SANDBOX_PEOPLE.map(({ id, name }) => (
          <li key={id} class="sandbox-person">
            {id === me ? (
              <span class="row">
                <b class="row-text">{name}</b>
                <span class="quiet">{sandboxWords("here")}</span>
              </span>
            ) : (
              <>
                <a class="row" href={addressAs(id)}>
                  <span class="row-text">{name}</span>
                </a>
                <a class="row" href={addressAs(id)} target="_blank" rel="noopener">
                  {sandboxWords("new_tab")}
                  <span class="unseen">: {name}</span>
                </a>
              </>
            )}
          </li>
        ))}
      </ul>
      <div class="sandbox-links">
        <a class="chip" href={chatAddressOf(me)} target="_blank" rel="noopener">
          {sandboxWords("chat")}
        </a>
        <a class="chip" href="/sandbox/" target="_blank" rel="noopener">
          {sandboxWords("switches")}
        </a>
      </div>
      <div class="dialog-buttons">
        <Button type="button" size="m" mode="gray" onClick={onClose}>
          {common("close")}
        </Button>
      </div>
    </dialog>
  );
}
