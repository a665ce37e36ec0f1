import { type Clock, systemClock } from "../platform/clock.ts";
import { type Log, silentLog } from "../platform/telemetry/log.ts";
import { OPENROUTER_BASE_PATH } from "../providers/openrouter/wire.ts";
import { createFaults, FAULTS_PATH, type Faults } from "./faults.ts";
import { createOpenRouterAccount, type EmulatedRequest, type OpenRouterAccount } from "./openrouter-account.ts";
import { createOpenRouterApi, type OpenRouterCounts } from "./openrouter-api.ts";
import { OPENROUTER_FAULTS } from "./openrouter-faults.ts";

/** Where the emulator tells what was asked of it; the same place as at the others. */
const STATS_PATH = "/_stats";
const HOST = "127.0.0.1";
const BALANCE_MICRODOLLARS_DEFAULT = 10_000_000;
const ANSWER_MS_DEFAULT = 400;
const DELTA_MS_DEFAULT = 15;
const BODY_BYTES_MAX = 32_000_000;

export interface OpenRouterEmulatorOptions {
  /** A free one by default. */
  port?: number;
  log?: Log;
  /** For time stamps. How long an answer takes is the machine's own time in any case. */
  clock?: Clock;
  apiKey?: string;
  balanceMicrodollars?: number;
  /** How long an answer in one piece takes. */
  answerMs?: number;
  /** The pause between two pieces of a streamed answer. */
  deltaMs?: number;
}

export interface OpenRouterStats {
  /** The latest, the oldest first; without a word of what was said. */
  requests: EmulatedRequest[];
  /** How many requests ended how: `answered`, `refused_402`, `http_429`, `left`, ... */
  outcomes: Record<string, number>;
  /** The most that were open at once. */
  atOnce: { overall: number; byUser: Record<string, number> };
  calls: OpenRouterCounts;
  balanceMicrodollars: number;
  spentMicrodollars: number;
}

export interface OpenRouterEmulator {
  /** The origin; the API lies under `/api/v1`. */
  url: string;
  /** The base address of the API, as OpenRouter's own is given. */
  apiUrl: string;
  apiKey: string;
  faults: Faults;
  stats(): OpenRouterStats;
  /** What the account holds from now on. */
  setBalance(microdollars: number): void;
  stop(): Promise<void>;
}

/**
 * Plays OpenRouter over real HTTP, streams included. `/_faults` and `/_stats` take and tell what only a sandbox has.
 * Nothing in it is shared with the client but the wire.
 */
export async function startOpenRouterEmulator(options: OpenRouterEmulatorOptions = {}): Promise<OpenRouterEmulator> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const apiKey = options.apiKey ?? "sandbox-openrouter-key";
  const limitMicrodollars = options.balanceMicrodollars ?? BALANCE_MICRODOLLARS_DEFAULT;
  const faults = createFaults(OPENROUTER_FAULTS);
  const account = createOpenRouterAccount({ clock, balance: limitMicrodollars });
  const api = createOpenRouterApi({
    clock,
    faults,
    account,
    apiKey,
    limitMicrodollars,
    answerMs: options.answerMs ?? ANSWER_MS_DEFAULT,
    deltaMs: options.deltaMs ?? DELTA_MS_DEFAULT,
  });
  const stats = (): OpenRouterStats => statsOf(account, api.counts);
  const server = Bun.serve({
    hostname: HOST,
    port: options.port ?? 0,
    reusePort: false,
    // A switch may keep a caller waiting for as long as it likes.
    idleTimeout: 0,
    // Otherwise the bodies that break off on purpose are printed to the terminal.
    development: false,
    maxRequestBodySize: BODY_BYTES_MAX,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === FAULTS_PATH) return faults.handle(request);
      if (pathname === STATS_PATH) return Response.json(stats());
      const answer = await api.call(request);
      log.debug("emulated call", { path: pathname, status: answer.status });
      return answer;
    },
  });
  const url = `http://${HOST}:${server.port}`;
  return {
    url,
    apiUrl: url + OPENROUTER_BASE_PATH,
    apiKey,
    faults,
    stats,
    setBalance(microdollars) {
      account.balance = microdollars;
    },
    stop: () => server.stop(true),
  };
}

function statsOf(account: OpenRouterAccount, calls: OpenRouterCounts): OpenRouterStats {
  const outcomes: Record<string, number> = {};
  for (const { outcome } of account.requests) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    requests: structuredClone([...account.requests]),
    outcomes,
    atOnce: structuredClone(account.atOnce),
    calls: { ...calls },
    balanceMicrodollars: account.balance,
    spentMicrodollars: account.spent,
  };
}
