import { type Clock, systemClock } from "../platform/clock.ts";
import { type Log, silentLog } from "../platform/telemetry/log.ts";
import { LKNPD_BASE_PATH } from "../providers/lknpd/wire.ts";
import { createFaults, FAULTS_PATH, type Faults } from "./faults.ts";
import { createLknpdAccounts } from "./lknpd-accounts.ts";
import { createLknpdApi, type LknpdCall } from "./lknpd-api.ts";
import { createLknpdBooks } from "./lknpd-books.ts";
import { answerLknpdCabinet, createLknpdCabinet, LKNPD_CABINET_PATHS, type LknpdCabinet } from "./lknpd-cabinet.ts";
import { LKNPD_FAULTS } from "./lknpd-faults.ts";
import { incomeItem } from "./lknpd-objects.ts";
import { type MonthSummary, monthSummaries, summaryPage } from "./lknpd-summary.ts";
import { shiftedClock } from "./shifted-clock.ts";

/** Where the emulator tells what was asked of it; the same place as at the others. */
const STATS_PATH = "/_stats";
/** What the tax service makes of each month; with `?format=json` for programs. */
const SUMMARY_PATH = "/_summary";
const API_PREFIX = "/api/";
const HOST = "127.0.0.1";
const BODY_BYTES_MAX = 1_000_000;
const YEAR_LIMIT_KOPECKS = 240_000_000;
const DEDUCTION_KOPECKS = 1_000_000;
const TAXPAYER = {
  inn: "123456789012",
  password: "sandbox-tax-password",
  displayName: "SANDBOX",
  phone: "79000000000",
};
/** Somebody else, for what one taxpayer must not see of another. */
const OTHER_TAXPAYER = { ...TAXPAYER, inn: "210987654321", password: "another-tax-password", phone: "79000000001" };

export interface LknpdEmulatorOptions {
  /** A free one by default. */
  port?: number;
  log?: Log;
  /** What the emulator's own clock goes with; that one can be put forward. */
  clock?: Clock;
}

export interface LknpdStats {
  calls: LknpdCall[];
  counts: { logins: number; refreshes: number; refused: number; receipts: number; cancelled: number };
  /** Device ids that have logged in. */
  devices: string[];
  /** As lists show them, the oldest first. */
  receipts: Record<string, unknown>[];
  now: string;
}

export interface LknpdEmulator extends LknpdCabinet {
  /** The base address of the API, as the real one is given. */
  url: string;
  /** The emulator's own origin, with `/_faults`, `/_stats` and the rest below it. */
  origin: string;
  inn: string;
  password: string;
  other: { inn: string; password: string };
  faults: Faults;
  stats(): LknpdStats;
  /** What the tax service makes of each month of the sandbox's taxpayer. */
  summary(): MonthSummary[];
  stop(): Promise<void>;
}

/** Plays the web cabinet of «Мой налог» over real HTTP. Nothing in it is shared with the client but the wire. */
export async function startLknpdEmulator(options: LknpdEmulatorOptions = {}): Promise<LknpdEmulator> {
  const clock = shiftedClock(options.clock ?? systemClock);
  const log = options.log ?? silentLog;
  const faults = createFaults(LKNPD_FAULTS);
  const limits = { yearLimitKopecks: YEAR_LIMIT_KOPECKS, deductionKopecks: DEDUCTION_KOPECKS };
  const yearLimitKopecks = () => limits.yearLimitKopecks;
  const accounts = createLknpdAccounts(clock, [TAXPAYER, OTHER_TAXPAYER]);
  const books = createLknpdBooks({ clock, faults, yearLimitKopecks });
  const summaryOf = (inn: string) =>
    monthSummaries(
      books.receipts.filter((one) => one.inn === inn),
      limits.deductionKopecks,
    );
  const api = createLknpdApi({
    clock,
    faults,
    accounts,
    books,
    yearLimitKopecks,
    deductionLeftKopecks: (inn) => summaryOf(inn).at(-1)?.deduction_left_kopecks ?? limits.deductionKopecks,
  });
  const cabinet = createLknpdCabinet({ inn: TAXPAYER.inn, clock, accounts, books, limits });
  const summary = () => summaryOf(TAXPAYER.inn);
  const stats = (): LknpdStats => ({
    calls: structuredClone([...api.calls]),
    counts: {
      ...accounts.counts,
      receipts: books.receipts.length,
      cancelled: books.receipts.filter((one) => one.cancellation !== undefined).length,
    },
    devices: [...accounts.devices],
    receipts: books.receipts.map((one) => incomeItem(one)),
    now: clock.now().toISOString(),
  });
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
      const url = new URL(request.url);
      if (url.pathname === FAULTS_PATH) return faults.handle(request);
      if (url.pathname === STATS_PATH) return Response.json(stats());
      if (url.pathname === SUMMARY_PATH) {
        return url.searchParams.get("format") === "json" ? Response.json(summary()) : summaryPage(summary());
      }
      const isCabinet = LKNPD_CABINET_PATHS.includes(url.pathname.split("/", 2)[1] ?? "");
      if (isCabinet) return answerLknpdCabinet(request, cabinet, accounts);
      if (!url.pathname.startsWith(API_PREFIX)) return new Response("Not Found", { status: 404 });
      const answer = await api.call(request);
      log.debug("emulated call", { path: url.pathname, status: answer.status });
      return answer;
    },
  });
  const origin = `http://${HOST}:${server.port}`;
  return {
    ...cabinet,
    url: origin + LKNPD_BASE_PATH,
    origin,
    inn: TAXPAYER.inn,
    password: TAXPAYER.password,
    other: { inn: OTHER_TAXPAYER.inn, password: OTHER_TAXPAYER.password },
    faults,
    stats,
    summary,
    async stop() {
      await server.stop(true);
    },
  };
}
