import { dependencies } from "../../package.json";
import { buildInfo } from "../build/build-info.ts";
import { ownMigrations } from "../context.ts";
import { databaseKind, sqliteVersion } from "../platform/db/inspect.ts";
import { FONT } from "../platform/images/font.ts";
import { type Command, print, printJson, readArguments } from "./command.ts";

const USAGE = "Usage: atelier version [--all] [--json]";

export const versionCommand: Command = {
  name: "version",
  summary: "what is running, with all its parts",
  help: `${USAGE}

  --all    load the native image code too and say which sharp and libvips really run
  --json   for a program: {version, commit, built_at, target, bun, sharp, libvips, sqlite, libraries: {...}, database, schema,
           font, platform}; with --all also loaded: {sharp, libvips}

Examples:
  atelier version
  atelier version --json | jq -r .commit`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { all: "boolean", json: "boolean" } });
    const facts = { ...versionFacts(), ...(values.all ? { loaded: await loadedImageCode() } : {}) };
    if (values.json) {
      printJson(facts);
      return 0;
    }
    const { version, ...rest } = facts;
    print(`atelier ${version}`);
    for (const [name, value] of Object.entries(rest)) print(`${name.replace("_", " ").padEnd(9)}  ${shown(value)}`);
    return 0;
  },
};

/** Everything that is known without touching a database, a network or the native code. */
function versionFacts() {
  return {
    version: buildInfo.version,
    commit: buildInfo.commit,
    built_at: buildInfo.builtAt ?? null,
    target: buildInfo.target ?? null,
    bun: Bun.version,
    sharp: dependencies.sharp,
    libvips: buildInfo.libvips ?? null,
    sqlite: sqliteVersion(),
    libraries: {
      elysia: dependencies.elysia,
      "drizzle-orm": dependencies["drizzle-orm"],
      postgres: dependencies.postgres,
    },
    database: databaseKind(),
    /** The newest step of the schema that this program knows; `doctor` says what the database has. */
    schema: ownMigrations.at(-1)?.name ?? null,
    font: FONT,
    platform: `${process.platform} ${process.arch}`,
  };
}

async function loadedImageCode(): Promise<{ sharp: string; libvips: string }> {
  const { nativeImageVersions } = await import("../platform/images/versions.ts");
  return nativeImageVersions();
}

function shown(value: string | null | Readonly<Record<string, string>>): string {
  if (value === null) return "runs from its source";
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map((pair) => pair.join(" "))
    .join(", ");
}
