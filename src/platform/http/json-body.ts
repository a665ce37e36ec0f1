import { Refusal } from "../errors.ts";

/** A JSON body of any route of ours fits well into this. */
export const JSON_BODY_BYTES_MAX = 64 * 1024;
/** A body that trickles in slower than this is not a client of ours. */
const JSON_BODY_MS_MAX = 15_000;
/** Nothing that we take is nested as deep; what walks a body may then call itself without counting. */
const JSON_DEPTH_MAX = 32;
/** Bodies that arrive from one network at once. Those of honest clients come in one piece, and leave at once. */
const ARRIVING_PER_NETWORK_MAX = 64;
/** From all together; each may hold its limit in memory. */
const ARRIVING_MAX = 2_000;
const RETRY_AFTER_SECONDS = 5;

/** The bodies that are on their way into this process. */
export interface ArrivingBodies {
  /** Reads the body within its limits. Throws a refusal where it breaks one of them. `network` is whose it is. */
  read(request: Request, network: string, limits?: BodyLimits): Promise<unknown>;
  readonly count: number;
}

export interface BodyLimits {
  bytesMax?: number | undefined;
  msMax?: number;
}

/**
 * Reads JSON bodies. Whoever lets bodies trickle in holds memory and nothing else; a bound for each network keeps one
 * such client from taking the places of all.
 */
export function createArrivingBodies(): ArrivingBodies {
  const byNetwork = new Map<string, number>();
  let count = 0;
  return {
    async read(request, network, limits) {
      const mine = byNetwork.get(network) ?? 0;
      if (mine >= ARRIVING_PER_NETWORK_MAX || count >= ARRIVING_MAX) {
        throw new Refusal("busy", { retry_after: RETRY_AFTER_SECONDS });
      }
      byNetwork.set(network, mine + 1);
      count += 1;
      try {
        return await readJson(request, limits);
      } finally {
        count -= 1;
        const left = (byNetwork.get(network) ?? 1) - 1;
        if (left > 0) byNetwork.set(network, left);
        else byNetwork.delete(network);
      }
    },
    get count() {
      return count;
    },
  };
}

/** Reads a JSON body chunk by chunk, so that neither a huge nor a slow one costs more than its limit. */
export async function readJson(request: Request, limits: BodyLimits = {}): Promise<unknown> {
  checkEncoding(request);
  const text = await readText(request, limits.bytesMax ?? JSON_BODY_BYTES_MAX, limits.msMax ?? JSON_BODY_MS_MAX);
  if (isTooDeep(text)) throw new Refusal("malformed_body");
  const value = parsed(text);
  if (MAY_BE_UNFIT.test(text) && isUnfit(value)) throw new Refusal("malformed_body");
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("malformed_body");
  }
}

/** Any letter may be written as an escape, these only so. */
const MAY_BE_UNFIT = /toString|valueOf|\\u/;

/**
 * Whether there is something in a body that must not get any further: the character NUL or half of a surrogate pair, which no
 * text of ours holds and Postgres does not store; or an object with a member in the place of a method by which it becomes a text, at which whoever
 * shows it throws, as the framework's validator does in telling what it found. Nothing of ours is called so.
 */
export function isUnfit(value: unknown): boolean {
  if (typeof value === "string") return isUnfitText(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(
    ([name, inner]) => name === "toString" || name === "valueOf" || isUnfitText(name) || isUnfit(inner),
  );
}

const isUnfitText = (text: string): boolean => text.includes("\0") || !text.isWellFormed();

/** JSON is UTF-8 (RFC 8259), and nothing is unpacked here: a small body could become a huge one. */
function checkEncoding(request: Request): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(request.headers.get("content-type") ?? "")?.[1];
  const coding = request.headers.get("content-encoding") ?? "identity";
  const isPlain = charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset);
  if (!isPlain || coding.toLowerCase() !== "identity") throw new Refusal("media_type_unsupported");
}

async function readText(request: Request, bytesMax: number, msMax: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw new Refusal("body_too_large");
  const reader = request.body?.getReader();
  if (!reader) throw new Refusal("malformed_body");
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    // The read in hand ends with it.
    void reader.cancel().catch(() => {});
  }, msMax);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > bytesMax) {
        void reader.cancel().catch(() => {});
        throw new Refusal("body_too_large");
      }
      text += decoder.decode(value, { stream: true });
    }
    if (isLate) throw new Refusal("upload_too_slow");
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(isLate ? "upload_too_slow" : "malformed_body");
  } finally {
    clearTimeout(deadline);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether brackets are nested deeper than anything we take. Texts, in which they mean nothing, are passed over. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let place = 0; place < text.length; place += 1) {
    const letter = text.charCodeAt(place);
    if (isInText) {
      if (letter === BACKSLASH) place += 1;
      else if (letter === QUOTE) isInText = false;
    } else if (letter === QUOTE) isInText = true;
    else if (letter === 0x7b || letter === 0x5b) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) return true;
    } else if (letter === 0x7d || letter === 0x5d) depth -= 1;
  }
  return false;
}
