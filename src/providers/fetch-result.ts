import { lookup } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { ProviderFailure } from "../platform/errors.ts";
import { isLoopbackAddress, isLoopbackHost, isPublicAddress } from "./address-check.ts";
import { USER_AGENT } from "./provider-http.ts";

export interface FetchResultOptions {
  /** Hosts that results may lie on: `files.example.com` is that host alone (a port may follow), `.example.com` every one below it. */
  hosts: readonly string[];
  /** Permits plain http to this machine's loopback, on any port, if `hosts` names it. */
  loopbackAllowed: boolean;
  bytesMax: number;
  /** For everything: names, redirects, the last byte. */
  timeoutMs: number;
  /** All addresses of a name. For tests; the system's resolver otherwise. */
  resolve?: (host: string) => Promise<string[]>;
}

/** Downloads one result; bound to its options at the start of the program. */
export type ResultFetcher = (url: string) => Promise<Uint8Array>;

const REDIRECT_COUNT_MAX = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Statuses that may be another in a moment; a fresh file can be missing at the edge for a while. */
const PASSING = new Set([403, 404, 408, 410, 425, 429]);
const PICTURE_TYPE = /^(image\/[\w.+-]+|application\/octet-stream|binary\/octet-stream)\s*(;|$)/i;

/**
 * Downloads a result from a link that a provider gave us. The link is not trusted: host list, https, addresses resolved
 * once, each of them public, the connection pinned to one of those, every redirect checked afresh, size, type and time
 * limited, no credentials sent (J9). The bytes still have to pass the same validator as an upload.
 *
 * Throws `ProviderFailure`: `rejected` when the link or the answer breaks a rule, `unavailable` when it may work later.
 */
export async function fetchResult(url: string, options: FetchResultOptions): Promise<Uint8Array> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`no whole file within ${options.timeoutMs} ms`)), options.timeoutMs);
  });
  try {
    const download = followRedirects(url, options, controller.signal);
    download.catch(() => {});
    return await Promise.race([download, deadline]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** `fetchResult` with its options in place. */
export function createResultFetcher(options: FetchResultOptions): ResultFetcher {
  return (url) => fetchResult(url, options);
}

async function followRedirects(url: string, options: FetchResultOptions, signal: AbortSignal): Promise<Uint8Array> {
  let next = url;
  for (let redirects = 0; redirects <= REDIRECT_COUNT_MAX; redirects += 1) {
    const checked = checkUrl(next, options);
    const address = await checkedAddress(checked.hostname, options);
    const answer = await download(checked, address, options.bytesMax, signal);
    if (answer instanceof Uint8Array) return answer;
    if (answer.redirectTo === "" || !URL.canParse(answer.redirectTo, checked))
      throw rejected("a redirect to something that is no URL");
    next = new URL(answer.redirectTo, checked).href;
  }
  throw rejected(`more than ${REDIRECT_COUNT_MAX} redirects`);
}

function checkUrl(text: string, options: FetchResultOptions): URL {
  if (!URL.canParse(text)) throw rejected("the link is no URL");
  const url = new URL(text);
  const onLoopback = options.loopbackAllowed && isLoopbackHost(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && onLoopback)) throw rejected("the link is not https");
  if (url.username !== "" || url.password !== "") throw rejected("the link holds credentials");
  if (url.port !== "" && !onLoopback) throw rejected("the link names a port");
  if (!isListed(url, options.hosts)) throw rejected(`the host ${url.hostname} is not on the list`);
  return url;
}

function isListed(url: URL, hosts: readonly string[]): boolean {
  return hosts.some((listed) => {
    const entry = listed.toLowerCase();
    if (entry.startsWith(".")) return url.hostname.endsWith(entry) && isIP(url.hostname) === 0;
    return url.hostname === entry || url.host === entry;
  });
}

/**
 * The one address that is connected to. One bad address among several is enough to refuse the host: whoever answers so
 * is trying something. IPv4 first, as many servers have no way out over IPv6.
 */
async function checkedAddress(hostname: string, options: FetchResultOptions): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) !== 0 ? [host] : await resolved(host, options.resolve ?? systemResolve);
  const onLoopback = options.loopbackAllowed && isLoopbackHost(hostname);
  for (const address of addresses) {
    if (onLoopback ? !isLoopbackAddress(address) : !isPublicAddress(address)) {
      throw rejected(`the host ${host} has an address that is not public`);
    }
  }
  const address = addresses.find((one) => isIP(one) === 4) ?? addresses[0];
  if (address === undefined) throw unavailable(`the host ${host} has no address`);
  return address;
}

async function resolved(host: string, resolve: (host: string) => Promise<string[]>): Promise<string[]> {
  try {
    return await resolve(host);
  } catch {
    throw unavailable(`the name ${host} could not be resolved`);
  }
}

async function systemResolve(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map((entry) => entry.address);
}

function download(
  url: URL,
  address: string,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array | { redirectTo: string }> {
  return new Promise((resolve, reject) => {
    // node:https and not fetch: only here does the runtime honour `lookup`, and with it the address that was checked.
    const request = (url.protocol === "https:" ? https : http).request(url, {
      method: "GET",
      agent: false,
      signal,
      headers: { "user-agent": USER_AGENT, accept: "image/*", "accept-encoding": "identity", connection: "close" },
      lookup: (_host, options, answer) => {
        const family = isIP(address);
        if (options.all === true) answer(null, [{ address, family }]);
        else answer(null, address, family);
      },
    });
    const fail = (failure: ProviderFailure): void => {
      reject(failure);
      request.destroy();
    };
    request.on("error", (error) => fail(unavailable(`the download broke off (${codeOf(error)})`)));
    request.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (REDIRECTS.has(status)) {
        resolve({ redirectTo: response.headers.location ?? "" });
        request.destroy();
        return;
      }
      const fault = headerFault(status, response.headers, bytesMax);
      if (fault !== undefined) fail(fault);
      else collect(response, bytesMax).then(resolve, fail);
    });
    request.end();
  });
}

function headerFault(status: number, headers: http.IncomingHttpHeaders, bytesMax: number): ProviderFailure | undefined {
  if (status >= 500 || PASSING.has(status)) {
    return unavailable(`the file's host answered HTTP ${status}`, { alert: status === 403 });
  }
  if (status !== 200) return rejected(`the file's host answered HTTP ${status}`);
  if (!PICTURE_TYPE.test(headers["content-type"] ?? "")) return rejected("the file is no picture by its type");
  if ((headers["content-encoding"] ?? "identity") !== "identity") return rejected("the file came compressed");
  if (Number(headers["content-length"] ?? 0) > bytesMax) return rejected(`the file has more than ${bytesMax} bytes`);
  return undefined;
}

function collect(response: http.IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    response.on("data", (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) reject(rejected(`the file has more than ${bytesMax} bytes`));
      else chunks.push(chunk);
    });
    response.on("error", (error) => reject(unavailable(`the download broke off (${codeOf(error)})`)));
    response.on("end", () => {
      const told = Number(response.headers["content-length"] ?? bytes);
      if (!response.complete || bytes !== told || bytes === 0) reject(unavailable("only a part of the file came"));
      else resolve(new Uint8Array(Buffer.concat(chunks)));
    });
    response.on("close", () => reject(unavailable("only a part of the file came")));
  });
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "no code";
}

function rejected(message: string): ProviderFailure {
  return new ProviderFailure("result host", "rejected", message);
}

function unavailable(message: string, options: { alert?: boolean } = {}): ProviderFailure {
  return new ProviderFailure("result host", "unavailable", message, options);
}
