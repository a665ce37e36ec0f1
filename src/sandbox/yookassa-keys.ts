import type { Clock } from "../platform/clock.ts";
import { DAY_MS } from "../platform/clock.ts";

/** How long a key stands for its first request. */
const KEY_MS = DAY_MS;

/** An answer of the API before it becomes bytes. */
export interface ApiAnswer {
  status: number;
  body: unknown;
  /** The same object as it is at the time of asking. */
  current?: () => unknown;
}

export interface KeyedRequest {
  shopId: string;
  key: string;
  method: string;
  path: string;
  body: unknown;
}

export interface KeyStore {
  /**
   * Carries a request out, or gives the answer that its key got first. Undefined when the key stands for another request.
   * Two requests at once under one key wait for each other.
   */
  once(
    request: KeyedRequest,
    carryOut: () => Promise<ApiAnswer>,
  ): Promise<{ answer: ApiAnswer; replayed: boolean } | undefined>;
}

/** Remembers what was asked under each key of each shop, and what was answered, for 24 hours of `clock`. */
export function createKeyStore(clock: Clock): KeyStore {
  const entries = new Map<string, { fingerprint: string; atMs: number; answer: Promise<ApiAnswer> }>();
  return {
    async once(request, carryOut) {
      const name = `${request.shopId} ${request.key}`;
      const fingerprint = `${request.method} ${request.path} ${canonical(request.body)}`;
      const nowMs = clock.now().getTime();
      const entry = entries.get(name);
      if (entry !== undefined && nowMs - entry.atMs < KEY_MS) {
        return entry.fingerprint === fingerprint ? { answer: await entry.answer, replayed: true } : undefined;
      }
      const answer = carryOut();
      entries.set(name, { fingerprint, atMs: nowMs, answer });
      return { answer: await answer, replayed: false };
    },
  };
}

/** JSON with its members in order, so that the order in which a client writes them makes no other request. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
