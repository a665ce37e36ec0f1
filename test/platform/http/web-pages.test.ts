import { describe, expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Elysia } from "elysia";
import { pagePolicy } from "../../../src/platform/http/browser-headers.ts";
import { createMethodTable } from "../../../src/platform/http/method-table.ts";
import { problems } from "../../../src/platform/http/problem.ts";
import { type WebBundle, webPages } from "../../../src/platform/http/web-pages.ts";
import { presignedOrigins } from "../../../src/platform/storage/presigned-origins.ts";
import { createLog } from "../../../src/platform/telemetry/log.ts";
import { webBundle } from "../../../src/web/bundle.ts";
import { WEB_PAGES } from "../../../src/web/page-list.ts";

const paths = WEB_PAGES.map(({ path }) => path);
const log = createLog({ level: "silent", format: "json", write: () => {} });
const appOf = (load: () => Promise<WebBundle>) =>
  new Elysia().use(problems(log, createMethodTable())).use(webPages(paths, load));
const app = appOf(webBundle);
const get = (path: string, headers: Record<string, string> = {}) =>
  app.handle(new Request(`http://localhost${path}`, { headers }));
/** What a page loads: every address in it. */
async function addressesIn(path: string): Promise<string[]> {
  const html = await (await get(path)).text();
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = ""]) => address);
}

describe.each(paths)("the page %s", (path) => {
  test("has a policy that runs nothing but files of ours and asks to be checked each time", async () => {
    const page = await get(path);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("public, no-cache");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain("frame-ancestors https://web.telegram.org");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(html).not.toMatch(/<style|\son[a-z]+=|\sstyle=/);
  });

  test("loads nothing from elsewhere, and each part has its content's hash in its name and is kept for ever", async () => {
    const addresses = (await addressesIn(path)).filter((address) => !address.startsWith("data:"));
    expect(addresses.length).toBeGreaterThan(1);
    for (const address of addresses) {
      expect(address).toMatch(/^\/assets\/[a-z]+\.[0-9a-f]{16}\.(js|css)$/);
      const part = await get(address);
      expect(part.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(part.headers.get("x-content-type-options")).toBe("nosniff");
      const hash = new Bun.CryptoHasher("sha256").update(await part.arrayBuffer()).digest("hex");
      expect(address).toContain(hash.slice(0, 16));
    }
  });

  test("is the same in every encoding, and an unchanged one is not sent again", async () => {
    for (const address of [path, ...(await addressesIn(path)).filter((one) => one.startsWith("/"))]) {
      const plain = Buffer.from(await (await get(address)).arrayBuffer());
      const brotli = await get(address, { "accept-encoding": "gzip, deflate, br, zstd" });
      expect(brotli.headers.get("content-encoding")).toBe("br");
      expect(brotli.headers.get("vary")).toContain("Accept-Encoding");
      expect(brotliDecompressSync(await brotli.arrayBuffer()).equals(plain)).toBe(true);
      const gzip = await get(address, { "accept-encoding": "gzip, br;q=0" });
      expect(gzip.headers.get("content-encoding")).toBe("gzip");
      expect(gunzipSync(await gzip.arrayBuffer()).equals(plain)).toBe(true);
      const etag = brotli.headers.get("etag") ?? "";
      const again = await get(address, { "accept-encoding": "br", "if-none-match": etag });
      expect([again.status, await again.text()]).toEqual([304, ""]);
      // The tag of one form does not stand for another.
      expect((await get(address, { "if-none-match": etag })).status).toBe(200);
    }
  });
});

/** What a phone fetches before the app can be used, as it comes over the wire to a browser that takes Brotli. */
const FIRST_LOAD_BYTES_MAX = 200_000;

test("the Mini App's first load stays under 200 KB", async () => {
  let bytes = 0;
  for (const address of ["/", ...(await addressesIn("/")).filter((one) => one.startsWith("/"))]) {
    const part = await get(address, { "accept-encoding": "br" });
    expect(part.headers.get("content-encoding")).toBe("br");
    bytes += (await part.arrayBuffer()).byteLength;
  }
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});

test("pictures come from the bucket as well where people are sent on to it, and from nowhere else", () => {
  const picturesOf = (settings: { S3_LINKS: "through" | "presigned"; S3_ENDPOINT: string }) =>
    /img-src ([^;]*);/.exec(pagePolicy({ framedBy: "telegram", pictures: presignedOrigins(settings) }))?.[1];
  const own = "'self' data: blob:";
  const endpoint = "https://storage.example.org/";
  expect(picturesOf({ S3_LINKS: "through", S3_ENDPOINT: endpoint })).toBe(own);
  expect(picturesOf({ S3_LINKS: "presigned", S3_ENDPOINT: endpoint })).toBe(
    `${own} https://storage.example.org https://*.storage.example.org`,
  );
  expect(picturesOf({ S3_LINKS: "presigned", S3_ENDPOINT: "" })).toBe(`${own} https://*.amazonaws.com`);
});

test("a name that is none of ours is not found, whatever it holds", async () => {
  for (const name of ["admin.js", "admin.0000000000000000.js", "..%2Fpackage.json", "%2Fetc%2Fpasswd", "__proto__"]) {
    expect((await get(`/assets/${name}`)).status).toBe(404);
  }
});

test("nothing is loaded before somebody asks", () => {
  let asked = 0;
  appOf(async () => {
    asked += 1;
    return { pages: new Map(), assets: new Map() };
  });
  expect(asked).toBe(0);
});
