import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { Glob } from "bun";
import type { EmbeddedNativeFile } from "../platform/images/native-code.ts";
import type { BuildTarget } from "./targets.ts";

/** The module of sharp that looks for its native addon, in the flavour that `import` gets and the one `require` gets. */
const NATIVE_LOADER = /[\\/]node_modules[\\/]sharp[\\/]dist[\\/]sharp\.mjs$/;
const COMMONJS_LOADER = /[\\/]node_modules[\\/]sharp[\\/]dist[\\/]sharp\.cjs$/;
/** The module of ours that says what is embedded. */
const NATIVE_CODE = /[\\/]src[\\/]platform[\\/]images[\\/]native-code\.ts$/;
const NATIVE_CODE_FILE = join(import.meta.dir, "../platform/images/native-code.ts");

/**
 * Puts sharp's native code into the compiled file. The bundler leaves the addon and libvips behind, since sharp picks
 * them by a name made at run time; so the module that picks is replaced by one that hands what `native-code.ts` embeds to
 * `native-sharp-loader.ts`, and that by one that embeds both files. See docs/decisions/0002-compiled-file-and-sharp.md.
 *
 * `projectFolder` is the folder that holds `node_modules`; those of `nativeFolder` hold the prebuilt code, where that is for
 * another machine than the project's own. Throws where the code for `target` is not installed, is of another version than
 * sharp itself, or sharp is laid out in another way than this plugin knows.
 */
export function sharpPlugin(target: BuildTarget, projectFolder: string, nativeFolder?: string): Bun.BunPlugin {
  return {
    name: "sharp in the compiled file",
    setup(build) {
      const found = findNativeSharp(target, projectFolder, nativeFolder);
      build.onLoad({ filter: NATIVE_LOADER }, ({ path }) => ({
        loader: "js",
        contents: loaderModule(dirname(path)),
      }));
      build.onLoad({ filter: NATIVE_CODE }, ({ path }) => ({
        loader: "js",
        contents: embeddingModule(found, dirname(path)),
      }));
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

/** The version of libvips in the prebuilt package for a target, such as `8.18.1`. Throws where the package is not installed. */
export function libvipsVersion(target: BuildTarget, folder: string): string {
  const versions = join(nativePackages(target, folder).library, "versions.json");
  const { vips } = JSON.parse(readFileSync(versions, "utf8")) as { vips?: unknown };
  if (typeof vips !== "string") throw new Error(`${versions} names no version of libvips`);
  return vips;
}

function findNativeSharp(target: BuildTarget, projectFolder: string, nativeFolder = projectFolder): NativeSharp {
  const sharpFolder = dirname(Bun.resolveSync("sharp/package.json", projectFolder));
  if (!existsSync(join(sharpFolder, "dist", "sharp.mjs"))) {
    throw new Error(
      `${sharpFolder} has no dist/sharp.mjs: this version of sharp needs another src/build/sharp-plugin.ts`,
    );
  }
  const packages = nativePackages(target, nativeFolder);
  const version = versionIn(sharpFolder);
  if (versionIn(packages.addon) !== version) {
    throw new Error(`${packages.addon} is of version ${versionIn(packages.addon)}, and sharp of ${version}`);
  }
  const addonPath = onlyFile(packages.addon, "lib/*.node");
  const libraryPath = onlyFile(packages.library, "lib/libvips-cpp.*");
  return {
    addonPath,
    libraryPath,
    version,
    addon: describe(addonPath, `sharp-${target.sharp}`),
    library: describe(libraryPath, `sharp-libvips-${target.sharp}`),
  };
}

/** The folders of the addon's package and of the library's. They are looked for from sharp, whose dependencies they are. */
function nativePackages(target: BuildTarget, folder: string): { addon: string; library: string } {
  const sharpFolder = dirname(Bun.resolveSync("sharp/package.json", folder));
  return {
    addon: packageFolder(`@img/sharp-${target.sharp}`, sharpFolder),
    library: packageFolder(`@img/sharp-libvips-${target.sharp}`, sharpFolder),
  };
}

function packageFolder(name: string, from: string): string {
  try {
    return dirname(Bun.resolveSync(`${name}/package`, from));
  } catch {
    throw new Error(`${name} is not installed. \`bun run release\` fetches the packages of other machines.`);
  }
}

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
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

/** Loads what is embedded, in the place of sharp's search. */
function loaderModule(folder: string): string {
  return [
    `import { embeddedSharp } from ${seenFrom(folder, NATIVE_CODE_FILE)};`,
    `import { loadNativeSharp } from ${seenFrom(folder, join(import.meta.dir, "native-sharp-loader.ts"))};`,
    "export default loadNativeSharp(embeddedSharp);",
  ].join("\n");
}

/** Embeds both files. It loads nothing, so that the program knows them without paying for them. */
function embeddingModule(found: NativeSharp, folder: string): string {
  return [
    `import addonPath from ${seenFrom(folder, found.addonPath)} with { type: "file" };`,
    `import libraryPath from ${seenFrom(folder, found.libraryPath)} with { type: "file" };`,
    "export const embeddedSharp = {",
    `  version: ${JSON.stringify(found.version)},`,
    `  addon: { ...${JSON.stringify(found.addon)}, embeddedAt: addonPath },`,
    `  library: { ...${JSON.stringify(found.library)}, embeddedAt: libraryPath },`,
    "};",
  ].join("\n");
}

/** As a literal for an `import`, relative: the text becomes part of the source map, and no machine's paths may. */
function seenFrom(folder: string, path: string): string {
  return JSON.stringify(relative(folder, path).replace(/^(?!\.)/, "./"));
}
