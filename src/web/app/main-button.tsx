import { Button } from "@telegram-apps/telegram-ui";
import { on, postEvent } from "@tma.js/bridge";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { tell } from "../kit/telegram.ts";

interface MainButtonProps {
  text: string;
  onPress: () => void;
  isReady?: boolean;
  isBusy?: boolean;
  /** Beside the text, such as a price tag; Telegram's button takes a text only, so there it stands in the page's last line. */
  after?: ComponentChildren;
}

/**
 * The one next step of a screen. Telegram's own button below the page where there is one; otherwise the page's, above the tabs.
 * One at a time.
 */
export function MainButton({ text, onPress, isReady = true, isBusy = false, after }: MainButtonProps) {
  const [isTelegrams, setTelegrams] = useState(false);
  const press = useRef(onPress);
  press.current = onPress;
  const mayPress = useRef(false);
  mayPress.current = isReady && !isBusy;
  useEffect(() => {
    const button = { is_visible: true, is_active: isReady && !isBusy, is_progress_visible: isBusy, text };
    setTelegrams(tell("web_app_setup_main_button", () => postEvent("web_app_setup_main_button", button)));
  }, [text, isReady, isBusy]);
  useEffect(() => {
    const stop = on("main_button_pressed", () => mayPress.current && press.current());
    return () => {
      stop();
      tell("web_app_setup_main_button", () => postEvent("web_app_setup_main_button", { is_visible: false }));
    };
  }, []);
  if (isTelegrams) return after ? <p class="main-button-beside">{after}</p> : null;
  return (
    <div class={`main-button ${isReady ? "" : "main-button-waits"}`}>
      <Button type="button" size="l" stretched loading={isBusy} disabled={!isReady || isBusy} onClick={onPress}>
        {text}
        {after && <span class="main-button-after">{after}</span>}
      </Button>
    </div>
  );
}
