import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Glob } from "bun";
import type { EmbeddedNativeFile } from "./native-sharp-loader.ts";
import type { BuildTarget } from "./targets.ts";

/** The module of sharp that looks for its native addon, in the flavour that `import` gets and the one `require` gets. */
const NATIVE_LOADER = /[\\/]node_modules[\\/]sharp[\\/]dist[\\/]sharp\.mjs$/;
const COMMONJS_LOADER = /[\\/]node_modules[\\/]sharp[\\/]dist[\\/]sharp\.cjs$/;

/**
 * Puts sharp's native code into the compiled file. The bundler leaves the addon and libvips behind, since sharp picks
 * them by a name made at run time; so the module that picks is replaced by one that embeds both files and hands them to
 * `native-sharp-loader.ts`. See docs/decisions/0002-compiled-file-and-sharp.md.
 *
 * `projectFolder` is the folder that holds `node_modules`. Throws where sharp's prebuilt code for `target` is not
 * installed or sharp is laid out in another way than this plugin knows.
 */
export function sharpPlugin(target: BuildTarget, projectFolder: string): Bun.BunPlugin {
  return {
    name: "sharp in the compiled file",
    setup(build) {
      const found = findNativeSharp(target, projectFolder);
      build.onLoad({ filter: NATIVE_LOADER }, () => ({ loader: "js", contents: replacementModule(found) }));
      build.onLoad({ filter: COMMONJS_LOADER }, ({ path }) => {
        throw new Error(`${path} was reached by require("sharp"); the compiled file supports import only`);
      });
    },
  };
}

/** Where sharp's native files lie on the building machine, and what the compiled file has to know of them. */
interface NativeSharp {
  addonPath: string;
  libraryPath: string;
  version: string;
  addon: DescribedFile;
  library: DescribedFile;
}

type DescribedFile = Omit<EmbeddedNativeFile, "embeddedAt">;

function findNativeSharp(target: BuildTarget, projectFolder: string): NativeSharp {
  const sharpFolder = dirname(Bun.resolveSync("sharp/package.json", projectFolder));
  if (!existsSync(join(sharpFolder, "dist", "sharp.mjs"))) {
    throw new Error(
      `${sharpFolder} has no dist/sharp.mjs: this version of sharp needs another src/build/sharp-plugin.ts`,
    );
  }
  const addonPath = onlyFile(packageFolder(`@img/sharp-${target.sharp}`, sharpFolder), "lib/*.node");
  const libraryPath = onlyFile(packageFolder(`@img/sharp-libvips-${target.sharp}`, sharpFolder), "lib/libvips-cpp.*");
  const { version } = JSON.parse(readFileSync(join(sharpFolder, "package.json"), "utf8")) as { version: string };
  return {
    addonPath,
    libraryPath,
    version,
    addon: describe(addonPath, `sharp-${target.sharp}`),
    library: describe(libraryPath, `sharp-libvips-${target.sharp}`),
  };
}

function packageFolder(name: string, from: string): string {
  try {
    return dirname(Bun.resolveSync(`${name}/package`, from));
  } catch {
    throw new Error(`${name} is not installed. \`bun install --os=... --cpu=...\` fetches another machine's packages.`);
  }
}

function onlyFile(folder: string, pattern: string): string {
  const [name, ...others] = new Glob(pattern).scanSync({ cwd: folder });
  if (name === undefined || others.length > 0) throw new Error(`${folder} should hold exactly one ${pattern}`);
  return join(folder, name);
}

function describe(path: string, packageName: string): DescribedFile {
  const content = readFileSync(path);
  const sha256 = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  // The addon looks for the library in ../../<library's package>/lib, seen from its own folder (its RPATH).
  return { placedAt: `${packageName}/lib/${basename(path)}`, bytes: content.byteLength, sha256 };
}

function replacementModule(found: NativeSharp): string {
  const loader = join(import.meta.dir, "native-sharp-loader.ts");
  return [
    `import addonPath from ${JSON.stringify(found.addonPath)} with { type: "file" };`,
    `import libraryPath from ${JSON.stringify(found.libraryPath)} with { type: "file" };`,
    `import { loadNativeSharp } from ${JSON.stringify(loader)};`,
    "export default loadNativeSharp({",
    `  version: ${JSON.stringify(found.version)},`,
    `  addon: { ...${JSON.stringify(found.addon)}, embeddedAt: addonPath },`,
    `  library: { ...${JSON.stringify(found.library)}, embeddedAt: libraryPath },`,
    "});",
  ].join("\n");
}
