import { randomInt } from "node:crypto";
import { APP_VERSION, DEVICE_ID_CHARACTERS, type DeviceInfo } from "./wire.ts";

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** The cabinet is a web page, and refuses callers that do not look like a browser. */
export const BROWSER_AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** A name for an installation, as the cabinet's own page makes one for a browser. One that many share gets blocked. */
export function newDeviceId(): string {
  return Array.from({ length: DEVICE_ID_CHARACTERS }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}

export function deviceInfo(sourceDeviceId: string): DeviceInfo {
  return {
    sourceType: "WEB",
    sourceDeviceId,
    appVersion: APP_VERSION,
    metaDetails: { userAgent: BROWSER_AGENT },
  };
}
