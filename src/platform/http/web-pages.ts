import { Elysia, t } from "elysia";
import { Refusal } from "../errors.ts";
import { pagePolicy } from "./browser-headers.ts";

/** A file of a page, ready to be sent; the blobs are read when somebody asks for them, not before. */
export interface WebFile {
  type: string;
  /** Of the content, without quotes. */
  hash: string;
  plain: Blob;
  gzip: Blob;
  brotli: Blob;
}

/** Pages by their path (`/admin`), and what they load by its name, which holds its hash. */
export interface WebBundle {
  pages: ReadonlyMap<string, WebFile>;
  assets: ReadonlyMap<string, WebFile>;
}

/** Names with a hash in them never mean anything else. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** Kept, but asked for each time; the answer is then an empty 304. */
const ASK_AGAIN = "public, no-cache";
/** Nobody outside Telegram's web clients shows them in a frame; an address of ours tells other sites nothing. */
const pageHeaders = (pictures: readonly string[]) => ({
  "content-security-policy": pagePolicy({ framedBy: "telegram", pictures }),
  "referrer-policy": "no-referrer",
});
const HIDDEN = { detail: { hide: true } };

/**
 * Serves the pages at `paths` and their parts below `/assets/`, each compressed long before it is asked for. `pictures` are
 * the origins beside our own that their pictures come from.
 */
export function webPages(paths: readonly string[], load: () => Promise<WebBundle>, pictures: readonly string[] = []) {
  const headers = pageHeaders(pictures);
  const routes = new Elysia({ name: "web-pages" });
  for (const path of paths) {
    routes.get(
      path,
      async ({ request }) => {
        const page = (await load()).pages.get(path);
        if (!page) throw new Refusal("not_found");
        return send(request, page, ASK_AGAIN, headers);
      },
      HIDDEN,
    );
  }
  return routes.get(
    "/assets/:name",
    async ({ params, request }) => {
      const asset = (await load()).assets.get(params.name);
      if (!asset) throw new Refusal("not_found");
      return send(request, asset, FOR_EVER);
    },
    { ...HIDDEN, params: t.Object({ name: t.String({ maxLength: 128 }) }) },
  );
}

function send(request: Request, file: WebFile, cacheControl: string, more: Record<string, string> = {}): Response {
  const encoding = encodingFor(request);
  // Each form is another answer to a cache, so each has a tag of its own.
  const etag = `"${file.hash}${encoding === null ? "" : `-${encoding}`}"`;
  const headers: Record<string, string> = {
    "cache-control": cacheControl,
    etag,
    vary: "Accept-Encoding, Origin",
    "x-content-type-options": "nosniff",
    ...more,
  };
  if (request.headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  if (encoding !== null) headers["content-encoding"] = encoding;
  const body = encoding === "br" ? file.brotli : encoding === "gzip" ? file.gzip : file.plain;
  return new Response(body, { headers: { ...headers, "content-type": file.type } });
}

/** What the client takes, the smaller one first. Browsers offer Brotli over https and on localhost only. */
function encodingFor(request: Request): "br" | "gzip" | null {
  const offers = (request.headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  const takes = (name: string) =>
    offers.some((offer) => new RegExp(`^\\s*${name}\\s*(;\\s*q=(0?\\.\\d*[1-9]\\d*|1(\\.0*)?)\\s*)?$`).test(offer));
  return takes("br") ? "br" : takes("gzip") ? "gzip" : null;
}
