import { promisify } from "node:util";
import { gzip as gzipWithCallback } from "node:zlib";
import { Elysia, t } from "elysia";
import styleFile from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import scriptFile from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import { Refusal } from "../errors.ts";
import { pagePolicy } from "./browser-headers.ts";

/** Hashed names never mean anything else. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** Kept, but asked for each time; the answer is then an empty 304. */
const ASK_AGAIN = "public, no-cache";
const HASH_DIGITS = 16;

/** The viewer sets styles on its elements. It shows itself alone, in no frame of anybody's. */
const PAGE_HEADERS = {
  "content-security-policy": pagePolicy({ framedBy: "nobody", inlineStyles: true }),
  "cross-origin-opener-policy": "same-origin",
};

/** Something to send: as it is, and compressed once for all who take that. */
interface Packed {
  type: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
  etag: string;
}

interface Page {
  html: Packed;
  files: ReadonlyMap<string, Packed>;
}

const HIDDEN = { detail: { hide: true } };

/**
 * `/openapi.json`, and `/docs`: a viewer of it that is part of the program. `describe` is called once, at the first
 * request for the description.
 */
export function apiDocs(options: { title: string; describe: () => unknown }) {
  const document = once(() => pack("application/json", JSON.stringify(options.describe())));
  const page = once(() => buildPage(options.title));
  return new Elysia({ name: "api-docs" })
    .get("/openapi.json", async ({ request }) => send(request, await document(), ASK_AGAIN), HIDDEN)
    .get("/docs", async ({ request }) => send(request, (await page()).html, ASK_AGAIN, PAGE_HEADERS), HIDDEN)
    .get(
      "/docs/:file",
      async ({ params, request }) => {
        const file = (await page()).files.get(params.file);
        if (!file) throw new Refusal("not_found");
        return send(request, file, FOR_EVER);
      },
      { ...HIDDEN, params: t.Object({ file: t.String({ maxLength: 128 }) }) },
    );
}

async function buildPage(title: string): Promise<Page> {
  const script = await pack("text/javascript; charset=utf-8", await Bun.file(scriptFile).bytes());
  const style = await pack("text/css; charset=utf-8", await Bun.file(styleFile).bytes());
  const start = await pack("text/javascript; charset=utf-8", START);
  const names = {
    style: named("viewer", style, "css"),
    script: named("viewer", script, "js"),
    start: named("start", start, "js"),
  };
  const html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${Bun.escapeHTML(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/${names.style}">
</head>
<body>
<div id="viewer"></div>
<noscript><p>This page needs scripts. The description itself is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
<script src="/docs/${names.script}"></script>
<script src="/docs/${names.start}"></script>
</body>
</html>
`;
  return {
    html: await pack("text/html; charset=utf-8", html),
    files: new Map([
      [names.style, style],
      [names.script, script],
      [names.start, start],
    ]),
  };
}

/** Without the badge of a validator on the viewer's own site, which would be loaded from there. */
const START = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#viewer",
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

const gzip = promisify(gzipWithCallback);

async function pack(type: string, content: string | Uint8Array<ArrayBuffer>): Promise<Packed> {
  const plain = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const hash = new Bun.CryptoHasher("sha256").update(plain).digest("hex").slice(0, HASH_DIGITS);
  const gzipped = new Uint8Array(await gzip(plain, { level: 9 }));
  return { type, plain, gzip: gzipped, etag: `"${hash}"` };
}

function named(name: string, file: Packed, extension: string): string {
  return `${name}.${file.etag.slice(1, -1)}.${extension}`;
}

function send(request: Request, file: Packed, cacheControl: string, more: Record<string, string> = {}): Response {
  const headers = { "cache-control": cacheControl, etag: file.etag, vary: "Accept-Encoding, Origin", ...more };
  if (request.headers.get("if-none-match")?.includes(file.etag)) return new Response(null, { status: 304, headers });
  if (!takesGzip(request)) return new Response(file.plain, { headers: { ...headers, "content-type": file.type } });
  return new Response(file.gzip, { headers: { ...headers, "content-type": file.type, "content-encoding": "gzip" } });
}

function takesGzip(request: Request): boolean {
  const offers = (request.headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  return offers.some((offer) => /^\s*gzip\s*(;\s*q=(0?\.\d*[1-9]\d*|1(\.0*)?)\s*)?$/.test(offer));
}

/** Remembers the outcome of the first success; a failure is tried again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
