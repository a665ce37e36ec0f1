import { environmentFaults, processEnvironment } from "../platform/config/environment.ts";
import { type CheckedSettings, checkSettings, shownValue } from "../platform/config/load.ts";
import type { Setting } from "../platform/config/setting-types.ts";
import { type SettingName, settingsTable } from "../platform/config/settings.ts";
import { type Command, print, printJson, readArguments, table } from "./command.ts";

const USAGE = "Usage: atelier settings [--json]";
const NAMES = Object.keys(settingsTable) as SettingName[];

export const settingsCommand: Command = {
  name: "settings",
  summary: "every setting, its value and where it came from",
  help: `${USAGE}

  --json   for a program

Secrets are never shown, only whether they are set. A value comes from the environment, from .env in the working
directory, from the file that NAME_FILE names, or it is the default. Below the table stands what is wrong, and what a
server still needs. Ends with 1 when a value is wrong.

Examples:
  atelier settings
  PORT=8080 atelier settings --json`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { json: "boolean" } });
    const checked = checkSettings(processEnvironment, { serving: true, earlierFaults: environmentFaults });
    if (values.json) printJson(forPrograms(checked));
    else print(forPeople(checked));
    return checked.faults.some((fault) => !fault.missing) ? 1 : 0;
  },
};

function forPrograms({ settings, sources, faults }: CheckedSettings) {
  return {
    settings: NAMES.map((name) => ({
      name,
      value: shownValue(name, settings[name]),
      source: sources[name],
      secret: settingOf(name).secret === true,
      text: settingOf(name).text,
    })),
    faults: faults.filter((fault) => !fault.missing).map(({ name, text }) => ({ name, text })),
    missing: faults.filter((fault) => fault.missing).map(({ name }) => name),
  };
}

function forPeople({ settings, sources, faults }: CheckedSettings): string {
  const rows = NAMES.map((name) => [name, shownValue(name, settings[name]) || "-", sources[name]]);
  const wrong = faults.filter((fault) => !fault.missing).map((fault) => `  - ${fault.text}`);
  const missing = faults.filter((fault) => fault.missing).map((fault) => `  - ${fault.text}`);
  return [
    table(["setting", "value", "from"], rows),
    ...(wrong.length === 0 ? [] : ["", "Wrong, and shown with the default above:", ...wrong]),
    ...(missing.length === 0 ? [] : ["", "A server still needs:", ...missing]),
  ].join("\n");
}

function settingOf(name: SettingName): Setting<unknown> {
  return settingsTable[name] as Setting<unknown>;
}
