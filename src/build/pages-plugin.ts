import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type MadeFile, makePages } from "../web/make-pages.ts";

const BUNDLE_MODULE = /[\\/]src[\\/]web[\\/]bundle\.ts$/;
const FORMS = ["plain", "gzip", "brotli"] as const;

/**
 * Puts the finished pages into the compiled file: `src/web/bundle.ts` becomes a module that knows their names and where they
 * lie in it. They are compressed here, once; the running program reads one from its own file when it is asked for, so it
 * starts no slower and holds none in memory. The pages are made before the plugin is used: a build inside a build waits
 * for itself for ever.
 */
export async function pagesPlugin(workshop: string): Promise<Bun.BunPlugin> {
  const folder = join(workshop, "web");
  mkdirSync(folder, { recursive: true });
  const contents = readyModule(await makePages("size"), folder);
  return {
    name: "web pages in the compiled file",
    setup(build) {
      build.onLoad({ filter: BUNDLE_MODULE }, () => ({ loader: "js", contents }));
    },
  };
}

function readyModule(files: readonly MadeFile[], folder: string): string {
  const imports: string[] = [];
  const entries = files.map((file, index) => {
    const blobs = FORMS.map((form) => {
      const name = `${form}${index}`;
      const path = resolve(folder, `${file.kind}-${index}-${file.hash}.${form}`);
      writeFileSync(path, file[form]);
      imports.push(`import ${name} from ${JSON.stringify(path)} with { type: "file" };`);
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
