import { type AnyHapticFeedbackParams, postEvent } from "@tma.js/bridge";
import { tell } from "../kit/telegram.ts";

const FEELINGS = {
  tap: { type: "impact", impact_style: "light" },
  select: { type: "selection_change" },
  success: { type: "notification", notification_type: "success" },
  warning: { type: "notification", notification_type: "warning" },
  failure: { type: "notification", notification_type: "error" },
} as const satisfies Record<string, AnyHapticFeedbackParams>;

/** What a hand feels, where the client has it; nothing elsewhere. */
export function feel(what: keyof typeof FEELINGS): void {
  tell("web_app_trigger_haptic_feedback", () => postEvent("web_app_trigger_haptic_feedback", FEELINGS[what]));
}
