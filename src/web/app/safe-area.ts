import { on, postEvent, type SafeAreaInsets } from "@tma.js/bridge";
import { tell } from "../kit/telegram.ts";

/**
 * Where the phone and Telegram's own buttons lie over the page, as `--safe-top` and so on; the styles take the larger of these
 * and the browser's own.
 */
const SIDES = ["top", "right", "bottom", "left"] as const;

type Kind = "device" | "content";
const insets: Record<Kind, SafeAreaInsets> = {
  device: { top: 0, right: 0, bottom: 0, left: 0 },
  content: { top: 0, right: 0, bottom: 0, left: 0 },
};

export function followSafeAreas(): void {
  on("safe_area_changed", (area) => take("device", area));
  on("content_safe_area_changed", (area) => take("content", area));
  tell("web_app_request_safe_area", () => postEvent("web_app_request_safe_area"));
  tell("web_app_request_content_safe_area", () => postEvent("web_app_request_content_safe_area"));
}

function take(kind: Kind, area: SafeAreaInsets): void {
  insets[kind] = area;
  for (const side of SIDES) {
    const pixels = Math.max(0, insets.device[side]) + Math.max(0, insets.content[side]);
    document.documentElement.style.setProperty(`--safe-${side}`, `${pixels}px`);
  }
}
