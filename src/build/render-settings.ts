import { join, resolve } from "node:path";
import type { Setting } from "../platform/config/setting-types.ts";
import { REQUIRED_TO_SERVE, type SettingName, settingsTable } from "../platform/config/settings.ts";

/** `bun src/build/render-settings.ts`: writes `.env.example` and `docs/settings.md` from the table of settings. */

const NAMES = Object.keys(settingsTable) as SettingName[];

/** Both files as the table renders them, by their path from the project's folder; a test holds the stored ones to it. */
export const settingsFiles: Readonly<Record<string, () => string>> = {
  ".env.example": renderEnvExample,
  "docs/settings.md": renderSettingsPage,
};

function renderEnvExample(): string {
  const required = NAMES.filter((name) => REQUIRED_TO_SERVE.includes(name));
  const others = NAMES.filter((name) => !REQUIRED_TO_SERVE.includes(name));
  return [
    "# Copy this file to .env beside the program and fill in the first part. `atelier settings` shows what is in force.",
    "# Made from the table of settings by src/build/render-settings.ts; change the table, not this file.",
    "",
    "# --- What a server needs ---",
    "",
    ...required.flatMap((name) => [...comment(name), `${name}=`, ""]),
    "# --- What may stay as it is ---",
    "",
    ...others.flatMap((name) => [...comment(name), `# ${name}=${shownDefault(name)}`, ""]),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

function comment(name: SettingName): string[] {
  const { text, example } = settingOf(name);
  const command = commandOf(example);
  if (command !== null) return [`# ${text}`, `# Make one with: ${command}`];
  return [`# ${text}`, ...(example === undefined ? [] : [`# Example: ${name}=${example}`])];
}

/** The command of an example such as `$(openssl rand ...)`: a shell runs it, but a `.env` file takes it by the letter. */
function commandOf(example: string | undefined): string | null {
  return /^\$\((.+)\)$/.exec(example ?? "")?.[1] ?? null;
}

function renderSettingsPage(): string {
  const required = NAMES.filter((name) => REQUIRED_TO_SERVE.includes(name));
  const others = NAMES.filter((name) => !REQUIRED_TO_SERVE.includes(name));
  return `# Settings

<!-- Made from the table of settings by src/build/render-settings.ts; change the table, not this page. -->

Every setting has a name in capitals. Its value comes from the first of these that has one:

1. the environment of the process;
2. \`.env\` in the folder in which the program is started;
3. the file that \`NAME_FILE\` names (\`JWT_SECRET_FILE=/run/secrets/jwt\`), as Docker and systemd hand over secrets;
4. the default.

An empty value counts as not set. Wrong and missing values are reported all at once, each with what to do, and nothing
starts until they are right. \`atelier settings\` prints what is in force and where it came from; secrets are shown only as
"(set)". \`atelier doctor\` also finds settings that are right one by one and do not fit together.

\`atelier serve --sandbox\` and \`atelier demo\` need none of them.

## What a server needs

| name | what it is | example |
|---|---|---|
${required.map((name) => `| \`${name}\` | ${cell(settingOf(name).text)}${secretNote(name)} | ${exampleOf(name)} |`).join("\n")}

Operator commands (\`user grant\`, \`jobs list\`, \`cleanup\` and the others) need the database only: \`DATA_DIR\` or
\`DATABASE_URL\`, the same as the server's.

## What may stay as it is

| name | what it is | default |
|---|---|---|
${others.map((name) => `| \`${name}\` | ${cell(settingOf(name).text)}${secretNote(name)} | ${code(shownDefault(name)) || notSet(name)} |`).join("\n")}

## Beside the table

| name | what it is |
|---|---|
| \`ATELIER_CACHE_DIR\` | Where the compiled program puts its native image code and the font: a private folder, not mounted noexec. Default: the user's cache folder. |
| \`NO_COLOR\` | Any value switches colours off in what commands print. |
`;
}

function secretNote(name: SettingName): string {
  return settingOf(name).secret ? " Secret." : "";
}

function exampleOf(name: SettingName): string {
  const { example } = settingOf(name);
  const command = commandOf(example);
  return command === null ? code(example ?? "") : `what ${code(command)} prints`;
}

function notSet(name: SettingName): string {
  return ["not set", exampleOf(name)].filter((part) => part !== "").join("; for example ");
}

function shownDefault(name: SettingName): string {
  const { default: value } = settingOf(name);
  return Array.isArray(value) ? value.join(",") : String(value);
}

function settingOf(name: SettingName): Setting<unknown> {
  return settingsTable[name] as Setting<unknown>;
}

function code(text: string): string {
  return text === "" ? "" : `\`${cell(text)}\``;
}

/** A vertical bar would end the cell of a table. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  const projectFolder = resolve(import.meta.dir, "../..");
  for (const [path, render] of Object.entries(settingsFiles)) {
    await Bun.write(join(projectFolder, path), render());
    process.stdout.write(`Wrote ${path}\n`);
  }
}
