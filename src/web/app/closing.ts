import { postEvent } from "@tma.js/bridge";
import { tell } from "../kit/telegram.ts";

let holders = 0;

/** While something is being sent, Telegram asks before it closes the window. The answer takes that back. */
export function confirmClosing(): () => void {
  holders += 1;
  say();
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    holders -= 1;
    say();
  };
}

function say(): void {
  tell("web_app_setup_closing_behavior", () =>
    postEvent("web_app_setup_closing_behavior", { need_confirmation: holders > 0 }),
  );
}
