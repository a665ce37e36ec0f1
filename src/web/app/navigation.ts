import { on, postEvent } from "@tma.js/bridge";
import { useEffect } from "preact/hooks";
import { addressOf, place } from "../kit/route.ts";
import { createStore } from "../kit/store.ts";
import { tell } from "../kit/telegram.ts";

/** Going to places of the page and back again. */

/** Whether Telegram shows its own button for going back; otherwise the page shows one. */
export const hasTelegramBack = createStore(false);

/** Places that this page has gone to by itself: so many times the history leads back within it. */
let stepsInside = 0;
let isGoingBack = false;

addEventListener("hashchange", () => {
  stepsInside = isGoingBack ? Math.max(0, stepsInside - 1) : stepsInside + 1;
  isGoingBack = false;
});

export function goTo(section: string, id?: string): void {
  location.hash = addressOf(section, id);
}

/** The same without a way back to where one is: for a place that is no more. */
export function goInstead(section: string, id?: string): void {
  location.replace(`${location.pathname}${location.search}${addressOf(section, id)}`);
}

/** One step back, or up to the section where the page began inside. */
export function goBack(): void {
  if (stepsInside > 0) {
    isGoingBack = true;
    history.back();
    return;
  }
  const { section, id } = place.read();
  goInstead(id === null ? "" : section);
}

/** Shows Telegram's button for going back while `isInner`. */
export function useTelegramBack(isInner: boolean): void {
  useEffect(() => {
    const isShown = tell("web_app_setup_back_button", () =>
      postEvent("web_app_setup_back_button", { is_visible: isInner }),
    );
    hasTelegramBack.write(isShown);
  }, [isInner]);
  useEffect(() => on("back_button_pressed", goBack), []);
}
