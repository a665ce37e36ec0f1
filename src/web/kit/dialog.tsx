import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { common } from "./common-words.ts";
import type { Action } from "./loading.ts";
import { Failure } from "./states.tsx";

interface DialogProps {
  title: string;
  /** What the button says that does it. */
  confirm: string;
  isDangerous?: boolean;
  /** Whether the form says enough to go on. */
  isReady?: boolean;
  action: Action;
  onDone: () => void;
  onClose: () => void;
  children: ComponentChildren;
}

/**
 * A question with a form. The browser's own dialog keeps the focus inside, closes on Escape and gives the focus back; the
 * kit's drawer would write styles into the page, which the page's policy forbids.
 */
export function Dialog({
  title,
  confirm,
  isDangerous,
  isReady = true,
  action,
  onDone,
  onClose,
  children,
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isReady && (await action.run())) onDone();
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        {children}
        {action.failure && <Failure failure={action.failure} />}
        <div class="dialog-buttons">
          <Button type="button" size="m" mode="gray" onClick={onClose}>
            {common("cancel")}
          </Button>
          <Button
            type="submit"
            size="m"
            loading={action.isBusy}
            disabled={!isReady || action.isBusy}
            className={isDangerous ? "dangerous" : ""}
          >
            {confirm}
          </Button>
        </div>
      </form>
    </dialog>
  );
}
