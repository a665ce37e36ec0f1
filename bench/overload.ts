import { availableParallelism } from "node:os";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { call, requestText } from "./callers.ts";
import { type PacedAnswers, pace, waitOf } from "./paced-callers.ts";
import { processorMs } from "./processor-time.ts";
import { startBenchServer } from "./product.ts";
import { residentMb } from "./resident-memory.ts";
import { OURS, report } from "./result.ts";
import { openShop, settled } from "./shop.ts";

/**
 * H8: three times as many requests as the compiled program can answer. Each writes one row on Postgres (a ticket for a live
 * socket), so it is the database that cannot follow. The peak is what 64 callers get who wait for each answer; then requests
 * come at three times that pace whether or not those before were answered, on 1 024 connections. What is not answered 200
 * has to be refused, with 429 or 503, within 50 ms of its coming; `unanswered` are all others.
 *
 * Whoever sends all this runs on the same processors as the program and its database, and at three times the pace takes more of
 * them than at the peak: `sender_cores` says how many, `good_per_core` is what was answered for each core that was left.
 */
const CALLERS = 64;
const PEAK_SECONDS = 4;
const OVERLOAD = 3;
const OVERLOAD_SECONDS = 5;
const CONNECTIONS = 1_024;
const ROUNDS = 3;
const PATH = "/api/v1/live/ticket";
const REFUSED = [429, 503];

const server = await startBenchServer();
const shop = await openShop({ DATABASE_URL: await server.database(), DATA_DIR: makeTemporaryFolder("atelier-bench-") });
try {
  const visitors = await Promise.all(Array.from({ length: CALLERS }, shop.visitor));
  const requests = visitors.map(({ token }) => requestText("POST", PATH, { authorization: `Bearer ${token}` }));
  const requestOf = (turn: number) => requests[turn % requests.length] ?? "";
  let peak = 0;

  /** The cores that `work`, which takes so long, kept busy here and in the server, and what each core left to it answered. */
  const watched = async <T>(seconds: number, work: () => Promise<T>, goodOf: (result: T) => number) => {
    const before = [await processorMs(process.pid), await processorMs(shop.processId)] as const;
    const result = await work();
    const senderCores = ((await processorMs(process.pid)) - before[0]) / 1_000 / seconds;
    const serverCores = ((await processorMs(shop.processId)) - before[1]) / 1_000 / seconds;
    const good_per_core = goodOf(result) / (availableParallelism() - senderCores);
    return { result, cores: { good_per_core, sender_cores: senderCores, server_cores: serverCores } };
  };
  const overloaded = async () => {
    const perSecond = Math.ceil(peak * OVERLOAD);
    const come = () =>
      pace({
        ...{ base: shop.base, perSecond, seconds: OVERLOAD_SECONDS },
        ...{ connectionsMax: CONNECTIONS, request: requestOf },
      });
    const goodOf = (answers: PacedAnswers) => countOf(answers, 200) / answers.seconds;
    const { result: answers, cores } = await watched(OVERLOAD_SECONDS, come, goodOf);
    // Those who left unanswered are still in its hands, and whoever came next would be refused on their account.
    await settled(async () => (await visitors[0]?.call("POST", "/live/ticket"))?.ok === true, "the crowd is gone");
    const answered = [200, ...REFUSED].reduce((sum, status) => sum + countOf(answers, status), 0);
    return {
      good_per_second: goodOf(answers),
      good_p99_ms: waitOf(answers, [200], 0.99),
      refused_p99_ms: waitOf(answers, REFUSED, 0.99),
      refused_share: (answered - countOf(answers, 200)) / answers.came,
      unanswered: answers.came - answered,
      resident_mb: await residentMb(shop.processId),
      ...cores,
    };
  };
  const calm = async () => {
    const ask = () =>
      call({
        ...{ base: shop.base, callers: CALLERS, seconds: PEAK_SECONDS, status: 200 },
        request: (caller) => requestOf(caller),
      });
    const { result, cores } = await watched(PEAK_SECONDS, ask, ({ per_second = 0 }) => per_second);
    const { per_second = 0, p99_ms = 0 } = result;
    peak = Math.max(peak, per_second);
    return {
      good_per_second: per_second,
      good_p99_ms: p99_ms,
      resident_mb: await residentMb(shop.processId),
      ...cores,
    };
  };
  // The pace of the overload is taken from a peak, which has to come first.
  await calm();
  const samples = await alternate({ [OURS]: overloaded, "its own peak": calm }, ROUNDS);
  await report("overload", samples, [
    { goal: "H8", what: "good_per_second", against: "its own peak", atLeast: 0.8 },
    { goal: "H8", what: "refused_p99_ms", atMost: 50 },
    { goal: "H8", what: "unanswered", atMost: 0 },
    { goal: "H8", what: "resident_mb", atMost: 400 },
  ]);
} finally {
  await shop.stop();
  await server.stop();
}

function countOf({ waits }: PacedAnswers, status: number): number {
  return waits.get(status)?.length ?? 0;
}
