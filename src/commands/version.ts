import { dependencies } from "../../package.json";
import { buildInfo } from "../build/build-info.ts";
import { databaseKind } from "../platform/db/inspect.ts";
import { type Command, print, printJson, readArguments } from "./command.ts";

const USAGE = "Usage: atelier version [--all] [--json]";

export const versionCommand: Command = {
  name: "version",
  summary: "what is running",
  help: `${USAGE}

  --all    load the native image code too and say which libvips it is
  --json   for a program

Examples:
  atelier version
  atelier version --json | jq -r .commit`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { all: "boolean", json: "boolean" } });
    const facts = {
      version: buildInfo.version,
      commit: buildInfo.commit,
      built_at: buildInfo.builtAt ?? null,
      bun: Bun.version,
      sharp: dependencies.sharp,
      ...(values.all ? { libvips: await libvipsVersion() } : {}),
      database: databaseKind(),
      platform: `${process.platform} ${process.arch}`,
    };
    if (values.json) {
      printJson(facts);
      return 0;
    }
    print(`atelier ${facts.version}`);
    const { version: _shown, ...rest } = facts;
    for (const [name, value] of Object.entries(rest)) {
      print(`${name.replace("_", " ").padEnd(8)}  ${value ?? "runs from its source"}`);
    }
    return 0;
  },
};

async function libvipsVersion(): Promise<string> {
  const { nativeImageVersions } = await import("../platform/images/versions.ts");
  return (await nativeImageVersions()).libvips;
}
