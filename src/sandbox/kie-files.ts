import type { Clock } from "../platform/clock.ts";
import { disturbTransport } from "./disturb.ts";
import type { Faults, Strike } from "./faults.ts";

/**
 * The emulator keeps its files in memory; the oldest make room. So many that nothing in use goes before its time: a task
 * whose photos are gone fails, as it would at the provider.
 */
const FILES_BYTES_MAX = 256 * 1024 * 1024;
const FILE_COUNT_MAX = 10_000;
const ENDLESS_CHUNK_BYTES = 64 * 1_024;
const ENDLESS_CHUNK_COUNT = 4_000;

interface StoredFile {
  bytes: Uint8Array;
  mime: string;
  expiresAtMs: number;
}

/** The static host: results and uploads, open to everybody who has the link, until they expire. */
export interface KieFiles {
  /** An equal path overwrites. */
  put(path: string, bytes: Uint8Array, mime: string, lifetimeMs: number): void;
  serve(request: Request): Promise<Response>;
}

export function createKieFiles(options: { clock: Clock; faults: Faults }): KieFiles {
  const files = new Map<string, StoredFile>();
  let bytesKept = 0;
  const remove = (path: string): void => {
    bytesKept -= files.get(path)?.bytes.byteLength ?? 0;
    files.delete(path);
  };

  const plainAnswer = (request: Request): Response => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    const file = files.get(path);
    if (file === undefined || file.expiresAtMs <= options.clock.now().getTime()) {
      remove(path);
      return new Response("Not Found", { status: 404 });
    }
    return new Response(new Uint8Array(file.bytes), { headers: { "content-type": file.mime } });
  };

  return {
    put(path, bytes, mime, lifetimeMs) {
      remove(path);
      files.set(path, { bytes, mime, expiresAtMs: options.clock.now().getTime() + lifetimeMs });
      bytesKept += bytes.byteLength;
      for (const oldest of files.keys()) {
        if (bytesKept <= FILES_BYTES_MAX && files.size <= FILE_COUNT_MAX) break;
        remove(oldest);
      }
    },
    async serve(request) {
      if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405 });
      const isResult = new URL(request.url).pathname.startsWith("/p/");
      const strike = isResult ? options.faults.strike("kie.result") : undefined;
      if (strike === undefined) return plainAnswer(request);
      const disturbed = await disturbTransport(strike, request, async () => plainAnswer(request));
      return disturbed ?? wrongFile(strike, request);
    },
  };
}

function wrongFile(strike: Strike, request: Request): Response {
  const status = /^http_(\d+)$/.exec(strike.mode)?.[1];
  if (status !== undefined) return new Response("error", { status: Number(status) });
  switch (strike.mode) {
    case "html":
      return new Response("<html><script>alert(1)</script></html>", { headers: { "content-type": "text/html" } });
    case "garbage":
      return new Response("this is no picture", { headers: { "content-type": "image/png" } });
    case "too_large":
      return new Response(new Uint8Array(ENDLESS_CHUNK_BYTES * 800), { headers: { "content-type": "image/png" } });
    case "endless":
      return new Response(endless(), { headers: { "content-type": "image/png" } });
    case "redirect_private":
      return Response.redirect("http://169.254.169.254/latest/meta-data/", 302);
    case "redirect_foreign":
      return Response.redirect("https://attacker.example/p.png", 302);
    default:
      // redirect_once and redirect_loop differ only in how often they are switched to strike.
      return Response.redirect(request.url, 302);
  }
}

function endless(): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      sent += 1;
      if (sent > ENDLESS_CHUNK_COUNT) controller.close();
      else controller.enqueue(new Uint8Array(ENDLESS_CHUNK_BYTES));
      await Bun.sleep(0);
    },
  });
}
