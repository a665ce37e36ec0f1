import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";
import type { WebBundle } from "../platform/http/web-pages.ts";

/**
 * The pages while the program runs from its sources: made when the first is asked for, and anew when a source is newer. In
 * the compiled file another module stands in this one's place (src/build/pages-plugin.ts) and holds them ready.
 */

const projectFolder = resolve(import.meta.dir, "../..");
const SOURCES = new Glob("{web/**/*.{ts,tsx,css},client.ts}");

let made: { newest: number; bundle: Promise<WebBundle> } | undefined;

export function webBundle(): Promise<WebBundle> {
  const newest = newestSource();
  if (!made || made.newest < newest) made = { newest, bundle: make() };
  const { bundle } = made;
  bundle.catch(() => {
    if (made?.bundle === bundle) made = undefined;
  });
  return bundle;
}

async function make(): Promise<WebBundle> {
  const { makePages } = await import("./make-pages.ts");
  const files = (await makePages("speed")).map((file) => ({
    ...file,
    plain: new Blob([file.plain]),
    gzip: new Blob([file.gzip]),
    brotli: new Blob([file.brotli]),
  }));
  const named = (kind: "page" | "asset") =>
    new Map(files.filter((file) => file.kind === kind).map((file) => [file.name, file]));
  return { pages: named("page"), assets: named("asset") };
}

function newestSource(): number {
  const folder = join(projectFolder, "src");
  return Math.max(...[...SOURCES.scanSync({ cwd: folder })].map((path) => statSync(join(folder, path)).mtimeMs));
}
