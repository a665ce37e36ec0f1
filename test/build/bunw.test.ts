import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

const projectFolder = resolve(import.meta.dir, "../..");
const workshop = mkdtempSync(join(tmpdir(), "atelier-bunw-"));
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

/** A folder with the tools that bunw may count on, and nothing else. */
const tools = join(workshop, "tools");
mkdirSync(tools);
for (const name of [
  "sh",
  "sed",
  "head",
  "tail",
  "cat",
  "cksum",
  "dirname",
  "grep",
  "mkdir",
  "mv",
  "rm",
  "sleep",
  "uname",
]) {
  symlinkSync(Bun.which(name) ?? `/bin/${name}`, join(tools, name));
}

/** A project whose only dependency is a part of itself, so that nothing has to be fetched; not installed yet. */
function projectWith(bunVersion: string): string {
  const folder = mkdtempSync(join(workshop, "project-"));
  copyFileSync(join(projectFolder, "bunw"), join(folder, "bunw"));
  const manifest = { name: "whole", packageManager: `bun@${bunVersion}`, workspaces: ["part"] };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  mkdirSync(join(folder, "part"));
  writeFileSync(join(folder, "part/package.json"), JSON.stringify({ name: "part" }));
  const locked = Bun.spawnSync([process.execPath, "install"], { cwd: folder });
  if (!locked.success) throw new Error(locked.stderr.toString());
  rmSync(join(folder, "node_modules"), { recursive: true });
  return folder;
}

function bunw(folder: string, path: string, ...parameters: string[]) {
  const run = Bun.spawnSync(["/bin/sh", join(folder, "bunw"), ...parameters], {
    cwd: "/",
    env: { PATH: path, HOME: workshop },
  });
  return { out: run.stdout.toString(), err: run.stderr.toString(), code: run.exitCode };
}

describe("bunw", () => {
  const print = "process.stdout.write(JSON.stringify([process.cwd(), Bun.which('bun'), ...process.argv.slice(1)]))";

  test("runs the Bun of the PATH when it has the pinned version, in the project, with the arguments as they are", () => {
    const folder = projectWith(Bun.version);
    const { out, code, err } = bunw(folder, `${dirname(Bun.which("bun") ?? "")}:${tools}`, "-e", print, "a b", "$c");
    expect({ code, err }).toEqual({ code: 0, err: "bunw: installing the dependencies (once)\n" });
    const [workingFolder, foundBun, ...rest] = JSON.parse(out) as string[];
    expect(basename(workingFolder ?? "")).toBe(basename(folder));
    expect(foundBun).toBe(Bun.which("bun") ?? "");
    expect(rest).toEqual(["a b", "$c"]);
  });

  test("installs once: the second call says nothing", () => {
    const folder = projectWith(Bun.version);
    const path = `${dirname(Bun.which("bun") ?? "")}:${tools}`;
    bunw(folder, path, "--version");
    expect(bunw(folder, path, "--version")).toEqual({ out: `${Bun.version}\n`, err: "", code: 0 });
  });

  test("takes no other version, and says what to install where npm is missing too", () => {
    const { out, code, err } = bunw(projectWith("1.0.1"), `${dirname(Bun.which("bun") ?? "")}:${tools}`, "--version");
    expect({ out, code }).toEqual({ out: "", code: 1 });
    expect(err).toContain("Install Bun 1.0.1 or Node.js");
  });

  test("goes on after a bunw that died while it held the lock", () => {
    const folder = projectWith(Bun.version);
    const dead = Bun.spawnSync(["true"]).pid;
    mkdirSync(join(folder, ".bun/lock"), { recursive: true });
    writeFileSync(join(folder, ".bun/lock/pid"), `${dead}\n`);
    expect(bunw(folder, `${dirname(Bun.which("bun") ?? "")}:${tools}`, "--version").out).toBe(`${Bun.version}\n`);
  });
});
