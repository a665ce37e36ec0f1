import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { settingsTable } from "./settings.ts";

/** Where a value came from, for `atelier settings`. */
export type SettingSource = "environment" | ".env" | "file" | "sandbox" | "default";

export interface EnvironmentValue {
  value: string;
  source: SettingSource;
}

/** What the program was given from outside, by the setting's name. */
export type Environment = ReadonlyMap<string, EnvironmentValue>;

/**
 * Reads the process environment over `.env` of the working directory; for each setting, `NAME_FILE` names a file that
 * holds the value of `NAME`, as Docker and systemd hand over secrets (`NAME` beside it wins). A blank value counts as
 * not set. The compiled file has Bun's own loading of `.env` switched off, so that there is one rule and it is this one.
 * `faults` receives a sentence for each such file that cannot be read or holds nothing.
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  folder: string | null,
  faults: string[] = [],
): Environment {
  const environment = new Map<string, EnvironmentValue>();
  const dotenv = folder === null ? null : join(folder, ".env");
  if (dotenv !== null && existsSync(dotenv)) {
    add(environment, parseEnv(readFileSync(dotenv, "utf8")), ".env", faults);
  }
  add(environment, variables, "environment", faults);
  return environment;
}

function add(
  environment: Map<string, EnvironmentValue>,
  variables: Readonly<Record<string, string | undefined>>,
  source: SettingSource,
  faults: string[],
): void {
  const given = Object.entries(variables).filter((entry): entry is [string, string] => !isBlank(entry[1]));
  for (const [name, value] of given) environment.set(name, { value, source });
  for (const [key, path] of given) {
    const name = key.slice(0, -"_FILE".length);
    // Only settings: the environment is full of others' variables of such names.
    if (!key.endsWith("_FILE") || !Object.hasOwn(settingsTable, name) || !isBlank(variables[name])) continue;
    const value = readText(path);
    if (value === null) faults.push(`${key} names ${path}, which cannot be read`);
    else if (isBlank(value)) faults.push(`${key} names ${path}, which is empty`);
    else environment.set(name, { value, source: "file" });
  }
}

function isBlank(value: string | undefined): boolean {
  return value === undefined || value.trim() === "";
}

/** The file's text without the line end that editors put there, or null. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch {
    return null;
  }
}

export const environmentFaults: string[] = [];

/**
 * Read once, before anything else: the database dialect is chosen while modules load. In a test run the folder's `.env`
 * belongs to somebody's real server and is left alone.
 */
export const processEnvironment: Environment = readEnvironment(
  process.env,
  process.env.TEST_LANE === undefined ? process.cwd() : null,
  environmentFaults,
);
