import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type MadeFile, makePages } from "../web/make-pages.ts";

const BUNDLE_MODULE = /[\\/]src[\\/]web[\\/]bundle\.ts$/;
const FORMS = ["plain", "gzip", "brotli"] as const;
/** In the project, because the same commit is to give the same bytes in any folder: paths seen from the module are part of them. */
const PAGES_FOLDER = "node_modules/.cache/web-pages";

/**
 * Puts the finished pages into the compiled file: `src/web/bundle.ts` becomes a module that knows their names and where they
 * lie in it. They are compressed here, once; the running program reads one from its own file when it is asked for, so it
 * starts no slower and holds none in memory. The pages are made before the plugin is used: a build inside a build waits
 * for itself for ever.
 */
export async function pagesPlugin(projectFolder: string): Promise<Bun.BunPlugin> {
  const folder = join(projectFolder, PAGES_FOLDER);
  mkdirSync(folder, { recursive: true });
  const files = await makePages("size");
  return {
    name: "web pages in the compiled file",
    setup(build) {
      build.onLoad({ filter: BUNDLE_MODULE }, ({ path }) => ({
        loader: "js",
        contents: readyModule(files, relative(dirname(path), folder), folder),
      }));
    },
  };
}

/** `seenFrom` is the folder as the module names it. */
function readyModule(files: readonly MadeFile[], seenFrom: string, folder: string): string {
  const imports: string[] = [];
  const entries = files.map((file, index) => {
    const blobs = FORMS.map((form) => {
      const name = `${form}${index}`;
      const place = `${file.kind}-${index}-${file.hash}.${form}`;
      placeOnce(join(folder, place), file[form]);
      imports.push(`import ${name} from ${JSON.stringify(join(seenFrom, place))} with { type: "file" };`);
      return `${form}: Bun.file(${name})`;
    });
    const described = `type: ${JSON.stringify(file.type)}, hash: ${JSON.stringify(file.hash)}`;
    return { kind: file.kind, text: `[${JSON.stringify(file.name)}, { ${described}, ${blobs.join(", ")} }]` };
  });
  const mapOf = (kind: MadeFile["kind"]) =>
    `new Map([${entries.flatMap((entry) => (entry.kind === kind ? [entry.text] : [])).join(", ")}])`;
  return [
    ...imports,
    `const bundle = { pages: ${mapOf("page")}, assets: ${mapOf("asset")} };`,
    "export const webBundle = () => Promise.resolve(bundle);",
  ].join("\n");
}

/** Whole or not at all: another build may be reading it, and one of the same name holds the same. */
function placeOnce(path: string, content: Uint8Array): void {
  if (existsSync(path)) return;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
