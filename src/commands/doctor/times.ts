import { SECOND_MS } from "../../platform/clock.ts";
import type { Settings } from "../../platform/config/settings.ts";
import { silentLog } from "../../platform/telemetry/log.ts";
import { providerRequest } from "../../providers/provider-http.ts";
import { type DoctorCheck, failed, ok, warning } from "./check.ts";

/** The header counts whole seconds. */
const RESOLUTION_MS = SECOND_MS;
const SKEW_MS_WARNING = 5 * SECOND_MS;
/** Beyond it sign-in data from Telegram seems to come from the future and is refused. */
const SKEW_MS_MAX = 60 * SECOND_MS;
const REQUEST_MS_MAX = 6 * SECOND_MS;
const ANSWER_BYTES_MAX = 1_000_000;

/** This machine's clock agrees with those of the services that it talks to. No key is sent: any answer has a date. */
export const outerClockCheck: DoctorCheck = {
  name: "clock outside",
  needs: ["TELEGRAM_API_URL", "KIE_API_URL", "OPENROUTER_API_URL", "YOOKASSA_API_URL", "PROVIDER_LOOPBACK"],
  async run({ checked: { settings } }) {
    const asked = await Promise.all(addresses(settings).map(async ([name, url]) => ({ name, ms: await skewMs(url) })));
    const told = asked.filter((one): one is { name: string; ms: number } => one.ms !== null);
    if (told.length === 0) return warning("Not looked at: none of the providers answered.");
    // One provider may be wrong; the one in the middle is not.
    const middle = told.toSorted((one, other) => one.ms - other.ms)[Math.floor((told.length - 1) / 2)]?.ms ?? 0;
    const text = `${(Math.abs(middle) / SECOND_MS).toFixed(0)} s ${middle >= 0 ? "ahead of" : "behind"} ${told.map(({ name }) => name).join(", ")}`;
    const lines = told.map(({ name, ms }) => `${name}: ${(ms / SECOND_MS).toFixed(0)} s`);
    if (Math.abs(middle) < SKEW_MS_WARNING) return ok(`Within the second or two that can be told: ${text}.`);
    const advice = `This machine's clock is ${text}. Switch time synchronisation (NTP) on.`;
    return Math.abs(middle) < SKEW_MS_MAX ? warning(advice, lines) : failed(advice, lines);
  },
};

/** Those that are used. */
function addresses(settings: Settings): [string, string][] {
  const all: [string, string, boolean][] = [
    ["Telegram", settings.TELEGRAM_API_URL, true],
    ["kie.ai", settings.KIE_API_URL, true],
    ["OpenRouter", settings.OPENROUTER_API_URL, settings.OPENROUTER_API_KEY !== ""],
    ["YooKassa", settings.YOOKASSA_API_URL, settings.YOOKASSA_SHOP_ID !== ""],
  ];
  return all.filter(([, , isUsed]) => isUsed).map(([name, url]) => [name, new URL(url).origin]);
}

/** How far this machine is ahead of the service, in ms, half the round trip taken into account; null when nobody tells. */
async function skewMs(url: string): Promise<number | null> {
  const before = Date.now();
  try {
    const { headers } = await providerRequest({
      provider: "doctor",
      method: "GET",
      url: `${url}/`,
      timeoutMs: REQUEST_MS_MAX,
      bytesMax: ANSWER_BYTES_MAX,
      repeatable: true,
      log: silentLog,
    });
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return null;
    const ahead = (before + Date.now()) / 2 - (date + RESOLUTION_MS / 2);
    return Math.abs(ahead) <= RESOLUTION_MS ? 0 : Math.round(ahead);
  } catch {
    return null;
  }
}
