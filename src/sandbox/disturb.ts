import type { Strike } from "./faults.ts";

/** What can happen to any call on its way, whatever the provider. */
export const TRANSPORT_MODES = [
  "delay",
  "reset",
  "hang",
  "half_body",
  "not_json",
  "edge_1010",
  "edge_502",
  "edge_504",
] as const;
/** The same after the call was carried out: done, and the answer lost. */
export const EXECUTED_MODES = ["executed_reset", "executed_hang", "executed_edge_502"] as const;

const DELAY_MS_DEFAULT = 1_000;
const DROP_AFTER_MS = 5;

/**
 * Lets a fault of the transport strike one call. `half_body`, `delay` and everything `executed_` do carry the call out;
 * the other modes do not. Returns undefined for a mode that is not one of the transport.
 */
export async function disturbTransport(
  strike: Strike,
  request: Request,
  carryOut: () => Promise<Response>,
): Promise<Response | undefined> {
  const executed = strike.mode.startsWith("executed_");
  const mode = executed ? strike.mode.slice("executed_".length) : strike.mode;
  if (mode === "delay") await Bun.sleep(strike.delayMs ?? DELAY_MS_DEFAULT);
  else if (strike.delayMs !== undefined) await Bun.sleep(strike.delayMs);
  if (mode === "delay") return carryOut();
  if (mode === "half_body") return halfOf(await carryOut());
  const ending = endingOf(mode, request);
  if (ending === undefined) return undefined;
  if (executed) await carryOut();
  return ending();
}

function endingOf(mode: string, request: Request): (() => Response | Promise<Response>) | undefined {
  switch (mode) {
    case "reset":
      return () => droppedAfter(undefined);
    case "hang":
      return () => untilTheCallerLeaves(request);
    case "not_json":
      return () => new Response("OK", { headers: { "content-type": "application/json" } });
    case "edge_1010":
      return edgeBlock;
    case "edge_502":
      return () => edgePage(502, "Bad gateway");
    case "edge_504":
      return () => edgePage(504, "Gateway time-out");
    default:
      return undefined;
  }
}

/** The edge's refusal of an unknown agent: plain text, no JSON, and no error of ours in the key. */
export function edgeBlock(): Response {
  return new Response("error code: 1010", { status: 403, headers: { "content-type": "text/plain; charset=UTF-8" } });
}

function edgePage(status: number, title: string): Response {
  const page = `<!DOCTYPE html><html><head><title>${status} ${title}</title></head><body><h1>${title}</h1></body></html>`;
  return new Response(page, { status, headers: { "content-type": "text/html; charset=UTF-8" } });
}

async function halfOf(response: Response): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  return droppedAfter(bytes.subarray(0, Math.ceil(bytes.byteLength / 2)), response);
}

/** A body that breaks off: the server closes the connection in the middle of it. */
function droppedAfter(bytes: Uint8Array | undefined, like?: Response): Response {
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (bytes !== undefined && !sent) {
        sent = true;
        controller.enqueue(bytes);
        return;
      }
      await Bun.sleep(DROP_AFTER_MS);
      controller.error(new Error("dropped by a fault switch"));
    },
  });
  const headers = new Headers(like?.headers);
  headers.delete("content-length");
  return new Response(body, { status: like?.status ?? 200, headers });
}

function untilTheCallerLeaves(request: Request): Promise<Response> {
  return new Promise((resolve) => {
    request.signal.addEventListener("abort", () => resolve(new Response(null, { status: 499 })), { once: true });
  });
}
