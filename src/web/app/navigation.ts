import { on, postEvent } from "@tma.js/bridge";
import { useEffect } from "preact/hooks";
import { addressOf, place } from "../kit/route.ts";
import { createStore } from "../kit/store.ts";
import { tell } from "../kit/telegram.ts";
import { allScreens } from "./screen.ts";

/** Going to places of the page and back again. */

/** The section that lists what has no tab of its own. */
export const MORE = "more";

/** Whether Telegram shows its own button for going back; otherwise the page shows one. */
export const hasTelegramBack = createStore(false);

/** How many places within the page lie behind this one; each entry of the history knows its own number. */
let depth = 0;

addEventListener("hashchange", () => {
  const known = depthOfEntry();
  depth = known ?? depth + 1;
  if (known === null) markEntry();
});

/** Where the page begins: nothing within it lies behind. After a reload the history still knows. */
export function beginHistory(): void {
  depth = depthOfEntry() ?? 0;
  markEntry();
}

function depthOfEntry(): number | null {
  const state: unknown = history.state;
  const known = typeof state === "object" && state !== null && "depth" in state ? state.depth : null;
  return typeof known === "number" ? known : null;
}

function markEntry(): void {
  history.replaceState({ depth }, "");
}

export function goTo(section: string, id?: string): void {
  location.hash = addressOf(section, id);
}

/** The same without a way back to where one is: for a place that is no more. */
export function goInstead(section: string, id?: string): void {
  history.replaceState({ depth }, "", addressOf(section, id));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** One step back, or up to the section where the page began inside. */
export function goBack(): void {
  if (depth > 0) {
    history.back();
    return;
  }
  const { section, id } = place.read();
  const isInMore = allScreens().some((screen) => screen.section === section && screen.found === "more");
  goInstead(id !== null ? section : isInMore ? MORE : "");
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
