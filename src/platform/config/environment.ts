import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Where a value came from, for `atelier settings`. */
export type SettingSource = "environment" | ".env" | "file" | "sandbox" | "default";

export interface EnvironmentValue {
  value: string;
  source: SettingSource;
}

/** What the program was given from outside, by the setting's name. */
export type Environment = ReadonlyMap<string, EnvironmentValue>;

/**
 * Reads the process environment over `.env` of the working directory; `NAME_FILE` names a file that holds the value of
 * `NAME`, as Docker and systemd hand over secrets. An empty value counts as not set. The compiled file has Bun's own
 * loading of `.env` switched off, so that there is one rule and it is this one.
 * `faults` receives a sentence for each secret file that cannot be read.
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  folder: string | null,
  faults: string[] = [],
): Environment {
  const environment = new Map<string, EnvironmentValue>();
  const dotenv = folder === null ? null : join(folder, ".env");
  if (dotenv !== null && existsSync(dotenv)) {
    for (const [key, value] of Object.entries(parseEnv(readFileSync(dotenv, "utf8")))) {
      if (value) environment.set(key, { value, source: ".env" });
    }
  }
  for (const [key, value] of Object.entries(variables)) {
    if (value) environment.set(key, { value, source: "environment" });
  }
  for (const [key, { value }] of [...environment]) {
    const name = key.slice(0, -"_FILE".length);
    if (!key.endsWith("_FILE") || name === "CATALOGUE" || environment.has(name)) continue;
    try {
      environment.set(name, { value: readFileSync(value, "utf8").trimEnd(), source: "file" });
    } catch {
      if (SECRET_NAME.test(name)) faults.push(`${key} names ${value}, which cannot be read`);
    }
  }
  return environment;
}

const SECRET_NAME = /(SECRET|KEY|TOKEN|URL|KEY_ID)$/;

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
