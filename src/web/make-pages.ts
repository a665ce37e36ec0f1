import { resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { version } from "../../package.json";
import { WEB_PAGES, type WebPage } from "./page-list.ts";

/**
 * Makes the pages from their sources: when the program is compiled, and in development when one is asked for. No part of
 * the compiled file; what it makes is.
 */

export interface MadeFile {
  /** The path of a page, the name of anything else. */
  name: string;
  kind: "page" | "asset";
  type: string;
  hash: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
  brotli: Uint8Array<ArrayBuffer>;
}

const HASH_DIGITS = 16;
const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const STYLE_TYPE = "text/css; charset=utf-8";
const HTML_TYPE = "text/html; charset=utf-8";
const projectFolder = resolve(import.meta.dir, "../..");

/** The kit's styles go in as they are: they are minified, and Bun's parser refuses the `color-mix` of theirs. */
const KIT_STYLES = "@telegram-apps/telegram-ui/dist/styles.css";
/** A picture that the kit's switched-off parts refer to; it is not shipped. */
const KIT_PICTURE = /url\([a-z0-9]+\.svg\)/g;

/** Telegram's kit is written for React; Preact speaks its API and weighs a twelfth. */
const REACT_NAMES: Readonly<Record<string, string>> = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/jsx-runtime",
};

const preactForReact: Bun.BunPlugin = {
  name: "preact for react",
  setup(build) {
    build.onResolve({ filter: /^react(-dom)?(\/.*)?$/ }, ({ path }) => {
      const name = REACT_NAMES[path];
      if (name === undefined) throw new Error(`${path} has no counterpart in Preact`);
      return { path: Bun.resolveSync(name, projectFolder) };
    });
  },
};

/** All pages with all that they load. `speed` compresses lightly, for development. Throws with the bundler's messages. */
export async function makePages(effort: "speed" | "size"): Promise<MadeFile[]> {
  const made = await Promise.all(WEB_PAGES.map((page) => makePage(page, effort)));
  return made.flat();
}

async function makePage(page: WebPage, effort: "speed" | "size"): Promise<MadeFile[]> {
  const base = page.path === "/" ? "app" : page.path.slice(1);
  const [script, ownStyles] = await Promise.all([bundle(page.script), bundle(page.styles)]);
  const kitStyles = await Bun.file(Bun.resolveSync(KIT_STYLES, projectFolder)).text();
  // The order is the precedence: what is ours comes after the kit's.
  const styles = `${kitStyles.replace(KIT_PICTURE, "none").replace(/\/\*# sourceMappingURL=.*\*\//, "")}\n${ownStyles}`;
  const scriptFile = await pack(base, "js", SCRIPT_TYPE, script, effort);
  const styleFile = await pack(base, "css", STYLE_TYPE, styles, effort);
  const html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${Bun.escapeHTML(page.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/${styleFile.name}">
<script type="module" src="/assets/${scriptFile.name}"></script>
</head>
<body>
<div id="root"></div>
<noscript><p>This page needs scripts.</p></noscript>
</body>
</html>
`;
  const htmlFile = await pack(base, "html", HTML_TYPE, html, effort);
  return [{ ...htmlFile, name: page.path, kind: "page" }, scriptFile, styleFile];
}

async function bundle(entry: string): Promise<string> {
  const result = await Bun.build({
    entrypoints: [resolve(projectFolder, entry)],
    target: "browser",
    format: "esm",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"', PAGE_VERSION: JSON.stringify(version) },
    plugins: [preactForReact],
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(({ message }) => message).join("\n"));
  const [output, ...others] = result.outputs;
  if (!output || others.length > 0) throw new Error(`${entry} should become one file`);
  return output.text();
}

async function pack(
  base: string,
  extension: string,
  type: string,
  text: string,
  effort: "speed" | "size",
): Promise<MadeFile> {
  const plain = new TextEncoder().encode(text);
  const hash = new Bun.CryptoHasher("sha256").update(plain).digest("hex").slice(0, HASH_DIGITS);
  const quality = effort === "size" ? constants.BROTLI_MAX_QUALITY : constants.BROTLI_MIN_QUALITY;
  const [gzipped, brotli] = await Promise.all([
    promisify(gzip)(plain, { level: effort === "size" ? 9 : 1 }),
    promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
  ]);
  return {
    name: `${base}.${hash}.${extension}`,
    kind: "asset",
    type,
    hash,
    plain,
    gzip: new Uint8Array(gzipped),
    brotli: new Uint8Array(brotli),
  };
}
