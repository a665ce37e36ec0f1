import { median } from "./samples.ts";
import type { Fields, Shop } from "./shop.ts";

/** What was measured of a route. */
export interface Timed {
  /** As in the description: `GET /api/v1/admin/people/{id}`. */
  route: string;
  /** What of the route, where it is measured in several ways. */
  how: string;
  ms: number[];
  /** How long the answers were, those of a file as far as they were read. */
  bytes: number[];
}

export interface Stopwatch {
  /** By route and way. */
  timed: ReadonlyMap<string, Timed>;
  /**
   * The time until the last byte of an answer, which must be good; of a file that is streamed, until its first page. `route` is
   * `GET` and the like and the path behind the stopwatch's own. Resolves to the answer where it is JSON.
   */
  time(route: string, how: string, request: () => Promise<Response>): Promise<Fields>;
  /** Writes down what was measured in another way. */
  note(route: string, how: string, ms: number): void;
  /** One that writes into the same list and whose paths begin with this. */
  under(path: string): Stopwatch;
}

export function createStopwatch(prefix = "", timed = new Map<string, Timed>()): Stopwatch {
  const lineOf = (route: string, how: string): Timed => {
    const [method, path = ""] = route.split(" ");
    const full = `${method} ${prefix}${path}`;
    const name = `${full} ${how}`;
    const line = timed.get(name) ?? { route: full, how, ms: [], bytes: [] };
    timed.set(name, line);
    return line;
  };
  return {
    timed,
    async time(route, how, request) {
      const startedAt = performance.now();
      const response = await request();
      const isFile = response.headers.has("content-disposition");
      const body = isFile ? await firstPage(response) : await response.bytes();
      const ms = performance.now() - startedAt;
      const text = new TextDecoder().decode(body);
      if (!response.ok) throw new Error(`${route} ${how} answered ${response.status}: ${text}`);
      const line = lineOf(route, how);
      line.ms.push(ms);
      line.bytes.push(body.length);
      return (response.headers.get("content-type") ?? "").includes("json") ? (JSON.parse(text) as Fields) : {};
    },
    note(route, how, ms) {
      const line = lineOf(route, how);
      line.ms.push(ms);
      line.bytes.push(0);
    },
    under: (path) => createStopwatch(prefix + path, timed),
  };
}

/** A file's heading is there before anything was read for it, and its first page is the piece behind that. */
const PIECES = 2;

async function firstPage(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  while (reader && pieces.length < PIECES) {
    const { value } = await reader.read();
    if (value === undefined) break;
    pieces.push(value);
  }
  await reader?.cancel();
  return Buffer.concat(pieces);
}

/** The slowest first. */
export function slowestFirst({ timed }: Stopwatch): Timed[] {
  return [...timed.values()].toSorted((a, b) => median(b.ms) - median(a.ms));
}

/** Routes of the description, those whose path begins with `prefix`, that were not measured. */
export async function unmeasured(shop: Shop, { timed }: Stopwatch, prefix = "/"): Promise<string[]> {
  const { paths } = (await (await fetch(`${shop.base}/openapi.json`)).json()) as { paths: Record<string, Fields> };
  const seen = new Set([...timed.values()].map(({ route }) => route));
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(prefix))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((route) => !seen.has(route));
}
