import { OperatorError } from "../errors.ts";
import type { Environment, SettingSource } from "./environment.ts";
import type { Setting } from "./setting-types.ts";
import { REQUIRED_TO_SERVE, type SettingName, type Settings, settingsTable } from "./settings.ts";

export interface LoadedSettings {
  settings: Settings;
  sources: Readonly<Record<SettingName, SettingSource>>;
}

const NAMES = Object.keys(settingsTable) as SettingName[];

/**
 * Reads and checks every setting. All faults are thrown at once as one `OperatorError`, each with the setting's name
 * and what to do. `serving` also asks for what an API or a worker cannot do without.
 */
export function loadSettings(
  environment: Environment,
  options: { serving: boolean; earlierFaults?: readonly string[] },
): LoadedSettings {
  const faults = [...(options.earlierFaults ?? [])];
  const values: Record<string, unknown> = {};
  const sources: Record<string, SettingSource> = {};
  for (const name of NAMES) {
    const setting = settingsTable[name] as Setting<unknown>;
    const given = environment.get(name);
    sources[name] = given?.source ?? "default";
    values[name] = setting.default;
    if (given === undefined) {
      if (options.serving && REQUIRED_TO_SERVE.includes(name)) faults.push(missing(name, setting));
      continue;
    }
    try {
      values[name] = setting.parse(given.value);
    } catch (error) {
      faults.push(`${name} ${(error as Error).message}${setting.secret ? "" : `, not "${given.value}"`}`);
    }
  }
  const settings = values as unknown as Settings;
  faults.push(...contradictions(settings));
  if (faults.length > 0) throw new OperatorError(explain(faults));
  return { settings, sources: sources as Record<SettingName, SettingSource> };
}

/** How a value is printed: secrets never, an empty one as nothing. */
export function shownValue(name: SettingName, value: Settings[SettingName]): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  if (text === "") return "";
  return (settingsTable[name] as Setting<unknown>).secret ? "(set)" : text;
}

function missing(name: SettingName, setting: Setting<unknown>): string {
  return `${name} is not set. ${setting.text}${setting.example ? ` Example: ${name}=${setting.example}` : ""}`;
}

/** Settings that are right alone and wrong together. */
function contradictions(settings: Settings): string[] {
  const faults: string[] = [];
  const providers = ["KIE_API_URL", "KIE_UPLOAD_URL"] as const;
  for (const name of providers) {
    const url = URL.canParse(settings[name]) ? new URL(settings[name]) : null;
    if (url?.protocol !== "http:") continue;
    if (!isLoopback(url.hostname)) faults.push(`${name} must be https: a key would travel in the clear`);
    else if (settings.PROVIDER_LOOPBACK !== "allow") {
      faults.push(`${name} is plain http on loopback; set PROVIDER_LOOPBACK=allow if that is meant`);
    }
  }
  if (settings.PROVIDER_LOOPBACK === "allow" && URL.canParse(settings.PUBLIC_URL)) {
    const host = new URL(settings.PUBLIC_URL).hostname;
    if (!isLoopback(host)) {
      faults.push(`PROVIDER_LOOPBACK=allow is for tests and cannot go together with the public PUBLIC_URL ${host}`);
    }
  }
  return faults;
}

/** Whether a host name means this very machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function explain(faults: string[]): string {
  const head = faults.length === 1 ? "One setting needs attention:" : `${faults.length} settings need attention:`;
  return [
    head,
    ...faults.map((fault) => `  - ${fault}`),
    "Set them in the environment, in .env, or as NAME_FILE. `atelier settings` shows all; `atelier serve --sandbox` needs none.",
  ].join("\n");
}
