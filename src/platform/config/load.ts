import { OperatorError } from "../errors.ts";
import type { Environment, SettingSource } from "./environment.ts";
import type { Setting } from "./setting-types.ts";
import { REQUIRED_TO_SERVE, type SettingName, type Settings, settingsTable } from "./settings.ts";
import { storageContradictions } from "./storage-settings.ts";

export interface LoadedSettings {
  settings: Settings;
  sources: Readonly<Record<SettingName, SettingSource>>;
}

/** One thing to mend, as a sentence that begins with the setting's name. */
export interface SettingFault {
  /** Null where it is not about one setting of the table, such as a secret file that cannot be read. */
  name: SettingName | null;
  /** Not wrong but not there, though a server needs it. */
  missing: boolean;
  text: string;
}

/** All settings, wrong ones replaced by their default, and what is wrong with them. */
export interface CheckedSettings extends LoadedSettings {
  faults: readonly SettingFault[];
}

const NAMES = Object.keys(settingsTable) as SettingName[];

/**
 * Reads and checks every setting. All faults are thrown at once as one `OperatorError`, each with the setting's name
 * and what to do. `serving` also asks for what an API or a worker cannot do without.
 */
export function loadSettings(environment: Environment, options: LoadOptions): LoadedSettings {
  const { faults, ...loaded } = checkSettings(environment, options);
  if (faults.length > 0) throw new OperatorError(explain(faults.map((fault) => fault.text)));
  return loaded;
}

export interface LoadOptions {
  serving: boolean;
  earlierFaults?: readonly string[];
}

/** The same without throwing, for those who show settings rather than use them. */
export function checkSettings(environment: Environment, options: LoadOptions): CheckedSettings {
  const faults: SettingFault[] = (options.earlierFaults ?? []).map((text) => ({ name: null, missing: false, text }));
  const values: Record<string, unknown> = {};
  const sources: Record<string, SettingSource> = {};
  for (const name of NAMES) {
    const setting = settingsTable[name] as Setting<unknown>;
    const given = environment.get(name);
    sources[name] = given?.source ?? "default";
    values[name] = setting.default;
    if (given === undefined) {
      const isMissing = options.serving && REQUIRED_TO_SERVE.includes(name);
      if (isMissing) faults.push({ name, missing: true, text: missing(name, setting) });
      continue;
    }
    try {
      const value = setting.parse(given.value);
      values[name] = value;
      // A list of commas says nothing, though it is there.
      const isEmpty = Array.isArray(value) && value.length === 0;
      if (isEmpty && options.serving && REQUIRED_TO_SERVE.includes(name)) {
        faults.push({ name, missing: true, text: missing(name, setting) });
      }
    } catch (error) {
      const text = `${name} ${(error as Error).message}${setting.secret ? "" : `, not "${given.value}"`}`;
      faults.push({ name, missing: false, text });
    }
  }
  const settings = values as unknown as Settings;
  faults.push(...contradictions(settings));
  return { settings, sources: sources as Record<SettingName, SettingSource>, faults };
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
function contradictions(settings: Settings): SettingFault[] {
  const faults: SettingFault[] = [];
  const add = (name: SettingName, text: string) => faults.push({ name, missing: false, text });
  const providers = [
    "TELEGRAM_API_URL",
    "KIE_API_URL",
    "KIE_UPLOAD_URL",
    "OPENROUTER_API_URL",
    "YOOKASSA_API_URL",
    "MY_TAX_API_URL",
  ] as const;
  for (const name of providers) {
    const url = URL.canParse(settings[name]) ? new URL(settings[name]) : null;
    if (url?.protocol !== "http:") continue;
    if (!isLoopback(url.hostname)) add(name, `${name} must be https: a key would travel in the clear`);
    else if (settings.PROVIDER_LOOPBACK !== "allow") {
      add(name, `${name} is plain http on loopback; set PROVIDER_LOOPBACK=allow if that is meant`);
    }
  }
  if (settings.PROVIDER_LOOPBACK === "allow" && URL.canParse(settings.PUBLIC_URL)) {
    const host = new URL(settings.PUBLIC_URL).hostname;
    if (!isLoopback(host)) {
      add(
        "PROVIDER_LOOPBACK",
        `PROVIDER_LOOPBACK=allow is for tests and cannot go together with the public PUBLIC_URL ${host}`,
      );
    }
  }
  for (const [name, text] of storageContradictions(settings)) add(name, text);
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
