import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json";
import { findCommand, loadCommands } from "../../src/commands/index.ts";
import { isCompiled } from "../support/program.ts";
import { runProgram, startProgram } from "./program.ts";

const commands = await loadCommands();

describe("the program", () => {
  test("lists every command with --help, with help, and with nothing at all", async () => {
    for (const words of [["--help"], ["help"], []]) {
      const { code, out } = await runProgram(words);
      expect({ words, code }).toEqual({ words, code: 0 });
      for (const { name, hidden } of commands) expect([name, out.includes(`  ${name} `)]).toEqual([name, !hidden]);
    }
  });

  test("has a command with a help of its own for each line of the overview", async () => {
    for (const { name, help } of commands) {
      expect((await findCommand([...name.split(" "), "behind"]))?.command.name).toBe(name);
      expect(help).toStartWith(`Usage: atelier ${name}`);
      // An option that is named must be explained: each stands at the beginning of a line too.
      const options = new Set((help.split("\n")[0] ?? "").match(/--[a-z-]+/g));
      for (const option of options) if (option !== "--json") expect(help).toMatch(new RegExp(`\\n {2}${option} `));
    }
  });

  test("teaches a command by `help <command>` and by `<command> --help`, wherever that stands", async () => {
    const expected = commands.find((command) => command.name === "user grant")?.help;
    for (const words of [
      ["help", "user", "grant"],
      ["user", "grant", "--help"],
      ["user", "grant", "5", "-h"],
    ]) {
      expect(await runProgram(words)).toEqual({ code: 0, out: `${expected}\n`, err: "" });
    }
  });

  test("shows the commands of a group when only its name is given", async () => {
    const { code, out, err } = await runProgram(["jobs"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    for (const name of ["jobs list", "jobs show", "jobs retry", "jobs park"]) expect(err).toContain(name);
    expect(err).not.toContain("ledger verify");
  });

  test("refuses what it does not know with a sentence and exit code 2", async () => {
    const cases: Array<[string[], string]> = [
      [["frobnicate"], 'there is no command "frobnicate"'],
      [["frobnicate", "--help"], 'there is no command "frobnicate --help"'],
      [["serve", "--rolle", "api"], "Unknown option '--rolle'"],
      [["version", "--short"], "Unknown option '--short'"],
      [["version", "now"], '"now" is one word too many'],
      [["jobs", "list", "--state", "broken"], '--state must be one of ready, leased, parked, not "broken"'],
      [["jobs", "list", "--limit", "0"], '--limit must be a whole number from 1 to 10000, not "0"'],
      [["jobs", "show"], "<id> is missing"],
      [["user", "show", "me"], '<telegram_id> must be a whole number from 1 to 9007199254740991, not "me"'],
      [["sandbox", "--port", "none"], '--port must be a whole number from 0 to 65535, not "none"'],
      [["healthcheck", "--url", "here"], '--url must be an address such as http://127.0.0.1:3000, not "here"'],
    ];
    for (const [words, sentence] of cases) {
      const { code, out, err } = await runProgram(words);
      expect({ words, code, out }).toEqual({ words, code: 2, out: "" });
      expect(err).toContain(sentence);
      expect(err).not.toContain("    at ");
    }
  });

  test("says what it is with all its parts, without loading the native code unless asked", async () => {
    const plain = await runProgram(["version"]);
    expect(plain.out).toStartWith(`atelier ${packageJson.version}\n`);
    expect(plain.out).toContain(`sharp      ${packageJson.dependencies.sharp}\n`);
    expect(plain.out).toContain(`libraries  elysia ${packageJson.dependencies.elysia}, drizzle-orm `);
    expect(plain.out).toContain("font       name DejaVu Sans Bold, version 2.37, licence ");
    expect(plain.out).not.toContain("loaded");
    const all = JSON.parse((await runProgram(["version", "--all", "--json"])).out);
    expect(all).toMatchObject({
      version: packageJson.version,
      bun: Bun.version,
      database: "SQLite",
      // A file that was compiled knows these two; the program's source does not.
      built_at: isCompiled ? expect.any(String) : null,
      libvips: isCompiled ? expect.any(String) : null,
      libraries: { postgres: packageJson.dependencies.postgres },
      loaded: { sharp: packageJson.dependencies.sharp },
    });
    expect(all.loaded.libvips).toMatch(/^8\.\d+\.\d+$/);
    expect(all.sqlite).toMatch(/^3\.\d+\.\d+$/);
    const migrations = readdirSync(join(import.meta.dir, "../../drizzle/sqlite")).filter((name) => /\.sql$/.test(name));
    expect(migrations).toContain(`${all.schema}.sql`);
    expect(migrations.toSorted().at(-1)).toBe(`${all.schema}.sql`);
  });

  test("says in a sentence that the demo has no place for its files", async () => {
    const { code, err } = await runProgram(["demo"], { environment: { TMPDIR: "/nowhere/at/all" } });
    expect({ code, lines: err.trimEnd().split("\n").length }).toEqual({ code: 2, lines: 1 });
    expect(err).toContain("Set TMPDIR to a folder to write in.");
  });

  test("tells the dialect by DATABASE_URL, with no connection made", async () => {
    const environment = { DATABASE_URL: "postgres://nobody:secret@127.0.0.1:1/none" };
    const { code, out } = await runProgram(["version", "--json"], { environment });
    expect({ code, database: JSON.parse(out).database }).toEqual({ code: 0, database: "PostgreSQL" });
  });

  test("ends quietly when the reader of a pipe is gone", async () => {
    const run = startProgram(["settings"]);
    await run.stdout.cancel();
    expect(await run.exited).toBe(0);
    expect(await new Response(run.stderr).text()).toBe("");
  });
});
