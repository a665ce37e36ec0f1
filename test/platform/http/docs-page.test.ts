import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { startTestApp } from "../../support/app.ts";
import { openApiDocument } from "../../support/openapi.ts";

const app = await startTestApp();
const base = `http://127.0.0.1:${await app.listen()}`;

/** Every address in the page's markup. */
const addressesOf = (html: string) => [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? "");
const raw = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers, decompress: false });

describe("/openapi.json", () => {
  test("is the description, as JSON", async () => {
    const response = await fetch(`${base}/openapi.json`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(openApiDocument());
  });

  test("is sent again only when it has changed", async () => {
    const first = await fetch(`${base}/openapi.json`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{16}"$/);
    expect(first.headers.get("cache-control")).toBe("public, no-cache");
    const again = await fetch(`${base}/openapi.json`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect((await fetch(`${base}/openapi.json`, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("is compressed for those who take that, and plain for the others", async () => {
    const packed = await raw("/openapi.json", { "accept-encoding": "br, gzip;q=0.8" });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(packed.headers.get("vary")).toBe("Accept-Encoding, Origin");
    expect(JSON.parse(gunzipSync(await packed.bytes()).toString())).toEqual(openApiDocument());
    for (const offer of ["identity", "gzip;q=0", "br"]) {
      const plain = await raw("/openapi.json", { "accept-encoding": offer });
      expect(plain.headers.get("content-encoding")).toBeNull();
      expect(await plain.json()).toEqual(openApiDocument());
    }
  });
});

describe("/docs", () => {
  test("loads everything from this server", async () => {
    const html = await (await fetch(`${base}/docs`)).text();
    const addresses = addressesOf(html);
    expect(addresses.length).toBeGreaterThanOrEqual(4);
    for (const address of addresses) expect(address).toMatch(/^(\/(docs\/[\w.]+|openapi\.json)|data:,)$/);
    expect(html).not.toMatch(/https?:|\/\/\w/);
    const types: Record<string, string> = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8" };
    for (const address of addresses.filter((one) => one.startsWith("/docs/"))) {
      const file = await fetch(base + address);
      expect(file.status).toBe(200);
      expect(file.headers.get("content-type")).toBe(types[address.split(".").at(-1) ?? ""] ?? "");
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("x-content-type-options")).toBe("nosniff");
      expect((await file.bytes()).byteLength).toBeGreaterThan(100);
    }
  });

  test("asks no other server for fonts, pictures or an opinion", async () => {
    const html = await (await fetch(`${base}/docs`)).text();
    const texts = await Promise.all(
      addressesOf(html)
        .filter((address) => address.startsWith("/docs/"))
        .map(async (address) => ({ address, text: await (await fetch(base + address)).text() })),
    );
    const style = texts.find(({ address }) => address.endsWith(".css"))?.text ?? "";
    expect(style.match(/@import|@font-face/g)).toBeNull();
    expect(
      [...style.matchAll(/url\(\s*["']?([^"')]*)/g)].filter(([, address]) => !address?.startsWith("data:")),
    ).toEqual([]);
    const start = texts.find(({ address }) => address.includes("/start."))?.text ?? "";
    expect(start).toContain("validatorUrl: null");
    expect(start).toContain('url: "/openapi.json"');
    expect(start).not.toMatch(/https?:/);
  });

  test("permits the browser nothing else, and no inline script", async () => {
    const response = await fetch(`${base}/docs`);
    const policy = response.headers.get("content-security-policy") ?? "";
    const rules = new Map(policy.split("; ").map((rule) => [rule.split(" ")[0], rule.split(" ").slice(1).join(" ")]));
    expect(rules.get("default-src")).toBe("'none'");
    expect(rules.get("script-src")).toBe("'self'");
    expect(rules.get("connect-src")).toBe("'self'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    const html = await response.text();
    expect(html.match(/<script(?![^>]*\bsrc=)/g)).toBeNull();
    expect(html.match(/\son\w+=/g)).toBeNull();
    expect(response.headers.get("x-request-id")).not.toBeNull();
  });

  test("compresses the viewer to a third", async () => {
    const html = await (await fetch(`${base}/docs`)).text();
    const address = addressesOf(html).find((one) => /viewer\.\w+\.js$/.test(one)) ?? "";
    const packed = await (await raw(address, { "accept-encoding": "gzip" })).bytes();
    const plain = await (await raw(address, { "accept-encoding": "identity" })).bytes();
    expect(packed.byteLength).toBeLessThan(plain.byteLength / 3);
    expect(Bun.deepEquals(new Uint8Array(gunzipSync(packed)), plain)).toBeTrue();
  });

  test("has no other files", async () => {
    for (const name of ["viewer.js", "viewer.0000000000000000.js", "..%2Fpackage.json", "swagger-ui.css"]) {
      const response = await fetch(`${base}/docs/${name}`);
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
  });
});
