import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import packageJson from "../../package.json";
import { licencesText, readmeText } from "../../src/build/release-papers.ts";
import runtimes from "../../src/build/runtimes/package.json";
import { libvipsVersion, sharpPlugin } from "../../src/build/sharp-plugin.ts";
import { hostTarget, RELEASE_TARGETS, type ReleaseTarget } from "../../src/build/targets.ts";
import { makeReachableFolder } from "../support/temporary-folder.ts";

/** A release itself takes hundreds of megabytes, so it is built by hand; here is what would make it go wrong. */

const projectFolder = resolve(import.meta.dir, "../..");
const workshop = makeReachableFolder("atelier-release-");
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

const locked = (file: string) => readFileSync(join(projectFolder, file), "utf8");
const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/** Packages as npm lays them out, each native file with a content of its own. */
function packagesOf(names: readonly string[], sharpVersion = packageJson.dependencies.sharp): string {
  const folder = join(workshop, crypto.randomUUID());
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  put("node_modules/sharp/package.json", JSON.stringify({ name: "sharp", version: sharpVersion }));
  for (const name of names) {
    const describe = (version: string) => JSON.stringify({ version, exports: { "./package": "./package.json" } });
    put(`node_modules/@img/sharp-${name}/package.json`, describe(sharpVersion));
    put(`node_modules/@img/sharp-${name}/lib/sharp-${name}-${sharpVersion}.node`, `addon of ${name}`);
    put(`node_modules/@img/sharp-libvips-${name}/package.json`, describe("1.0.0"));
    put(`node_modules/@img/sharp-libvips-${name}/versions.json`, JSON.stringify({ vips: `8.0.0-${name}` }));
    put(`node_modules/@img/sharp-libvips-${name}/lib/libvips-cpp.so.8.0.0`, `library of ${name}`);
  }
  return folder;
}

async function bundle({ target }: ReleaseTarget, nativeFolder: string) {
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, "probe/main.ts")],
    target: "bun",
    plugins: [sharpPlugin(target, projectFolder, nativeFolder)],
    sourcemap: "inline",
    throw: false,
  });
  const texts = await Promise.all(result.outputs.map((output) => output.text()));
  return { ...result, texts, code: texts[0] ?? "" };
}

describe("a release", () => {
  const everyone = packagesOf(RELEASE_TARGETS.map(({ target }) => target.sharp));

  test.each(RELEASE_TARGETS)("for $name embeds its own native code and no other's", async (one) => {
    const { success, texts, code } = await bundle(one, everyone);
    expect(success).toBe(true);
    const native = texts.filter((text) => /^(addon|library) of /.test(text));
    expect(native.toSorted()).toEqual([`addon of ${one.target.sharp}`, `library of ${one.target.sharp}`]);
    for (const text of native) expect(code).toContain(sha256(text));
    const { sharp } = packageJson.dependencies;
    expect(code).toContain(`sharp-${one.target.sharp}/lib/sharp-${one.target.sharp}-${sharp}.node`);
    expect(code).toContain(`sharp-libvips-${one.target.sharp}/lib/libvips-cpp.so.8.0.0`);
    expect(libvipsVersion(one.target, everyone)).toBe(`8.0.0-${one.target.sharp}`);
  });

  test("stops where a machine's packages are not there, or are of another version than sharp", async () => {
    const [first, second] = RELEASE_TARGETS;
    if (!first || !second) throw new Error("nothing is released");
    const without = packagesOf([first.target.sharp]);
    await expect(bundle(second, without)).rejects.toThrow(`@img/sharp-${second.target.sharp} is not installed`);
    const old = packagesOf([first.target.sharp], "0.1.2");
    await expect(bundle(first, old)).rejects.toThrow(
      `is of version 0.1.2, and sharp of ${packageJson.dependencies.sharp}`,
    );
  });

  test("takes everything from other machines under a hash that a lock file pins", () => {
    const [own, others] = [locked("bun.lock"), locked("src/build/runtimes/bun.lock")];
    const pinned = (name: string, version: string) => new RegExp(`\\["${name}@${version}", .*"sha512-[\\w+/=]{88}"\\]`);
    const bun = packageJson.packageManager.replace("bun@", "");
    expect(Object.keys(runtimes.optionalDependencies).toSorted()).toEqual(
      RELEASE_TARGETS.map(({ runtime }) => runtime).toSorted(),
    );
    expect([...new Set(Object.values(runtimes.optionalDependencies))]).toEqual([bun]);
    for (const { target, runtime } of RELEASE_TARGETS) {
      expect(own).toMatch(pinned(`@img/sharp-${target.sharp}`, packageJson.dependencies.sharp));
      expect(own).toMatch(pinned(`@img/sharp-libvips-${target.sharp}`, "[\\d.]+"));
      expect(others).toMatch(pinned(runtime, bun));
    }
  });

  test("names each file after the machine whose parts are in it", () => {
    const names = RELEASE_TARGETS.map(({ name }) => name);
    for (const { name, target, runtime, machine } of RELEASE_TARGETS) {
      const isMusl = machine.libc === "musl";
      expect(name).toBe(`${machine.os}-${machine.cpu}${isMusl ? "-musl" : ""}`);
      expect(`bun-${name}`).toBe(target.bun);
      expect(target.sharp).toBe(`linux${isMusl ? "musl" : ""}-${machine.cpu}`);
      expect(runtime).toMatch(machine.cpu === "x64" ? /-linux-x64-/ : /-linux-aarch64/);
      expect(runtime.includes("musl")).toBe(isMusl);
    }
    expect(names).toEqual(["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"]);
    const readme = readmeText(RELEASE_TARGETS);
    for (const name of names) expect(readme).toContain(`atelier-${packageJson.version}-${name} `);
  });

  test("tells the licence of all that the program is made of", () => {
    const text = licencesText(projectFolder);
    for (const [name, version] of Object.entries(packageJson.dependencies)) {
      expect(text).toContain(`\n${name} ${version} (`);
    }
    for (const words of ["GNU LESSER GENERAL PUBLIC LICENSE", "Bitstream Vera", "Permission is hereby granted"]) {
      expect(text).toContain(words);
    }
    expect(text).toContain(`libvips ${libvipsVersion(hostTarget(), projectFolder)}\n`);
    // Nothing of the machine that it was made on.
    expect(text).not.toContain(projectFolder);
  });
});
