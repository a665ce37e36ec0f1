import { publish } from "../src/platform/live/events.ts";
import { alternate } from "./alternation.ts";
import { amount } from "./amount.ts";
import { openLiveProduct } from "./live-product.ts";
import { OURS, report } from "./result.ts";
import { quantile } from "./samples.ts";
import { startSocketReaders } from "./socket-readers.ts";

/**
 * H6: readers that stop reading, while 1 000 others get waves of events as in `sockets`. Before each wave each of them is sent half
 * a megabyte in large events, so that after some waves the system's buffers are full and the server holds what is left, at most
 * `UNREAD_BYTES_MAX` (1 MiB); then the server has to close them. Beside: the same waves and the same large events, with
 * everybody reading. Twenty stop at once, because what one of them costs is less than a process's memory moves by itself.
 *
 *   others_p99_ms     from a wave's commit to the arrival of each of its events, over all waves
 *   memory_mb         the most that the server's resident memory grew during the waves (looked at after each, behind a garbage
 *                     collection), less the same where everybody reads, for each that stopped
 *   closed            the share of those that stopped whose sockets the server has ended; 0 if it ended another one
 */
const OTHERS = amount("PEOPLE", 1_000);
const WAVES = amount("WAVES", 30);
const STOPPED = amount("STOPPED", 20);
const ROUNDS = amount("ROUNDS", 3);
const LARGE_EVENTS = 32;
const LARGE_BYTES = 16 * 1_024;
const MEGABYTE = 1_048_576;

const readers = startSocketReaders();
const live = await openLiveProduct(OTHERS, readers);
/** A process of their own for those that stop, so that what they get is not counted among the others'. */
const slowReaders = startSocketReaders();
const filler = "x".repeat(LARGE_BYTES);
let joined = 0;

/** Large events for one person, in one transaction of their own. */
const flood = (userId: string) =>
  live.ctx.transaction(async (tx) => {
    for (let sent = 0; sent < LARGE_EVENTS; sent += 1) await publish(tx, userId, "notice", { filler });
  });

function residentMb(): number {
  Bun.gc(true);
  return process.memoryUsage.rss() / MEGABYTE;
}

/** The waves, with some more sockets, which read or have stopped. */
async function waves(stop: boolean): Promise<Record<string, number>> {
  const slow: { place: number; userId: string }[] = [];
  for (; slow.length < STOPPED; joined += 1) slow.push({ place: joined, userId: await live.join(slowReaders) });
  if (stop) for (const { place } of slow) await slowReaders.stopReading(place);
  const beforeMb = residentMb();
  let mostMb = beforeMb;
  const waits: number[] = [];
  for (let wave = 0; wave < WAVES; wave += 1) {
    for (const { userId } of slow) await flood(userId);
    let committedMs = 0;
    const arrivals = await readers.arrivals(OTHERS, async () => {
      committedMs = await live.publishToAll();
    });
    waits.push(...arrivals.map((atMs) => atMs - committedMs));
    mostMb = Math.max(mostMb, residentMb());
  }
  const open = live.openSockets();
  // They read on, and find the end behind what was sent to them.
  let closed = 0;
  for (const { place } of slow) closed += (await slowReaders.isClosed(place, !stop)) ? 1 : 0;
  return {
    others_p99_ms: quantile(waits, 0.99),
    grown_mb: mostMb - beforeMb,
    ...(stop && { closed: open === OTHERS ? closed / STOPPED : 0 }),
  };
}

const BESIDE = "everybody reads";
const samples = await alternate({ [BESIDE]: () => waves(false), [OURS]: () => waves(true) }, ROUNDS);
const reading = samples[BESIDE]?.grown_mb ?? [];
const own = samples[OURS] ?? {};
own.memory_mb = (own.grown_mb ?? []).map((grownMb, round) => (grownMb - (reading[round] ?? Number.NaN)) / STOPPED);
await report("slow-reader", samples, [
  { goal: "H6", what: "others_p99_ms", against: BESIDE, atMost: 1.1 },
  { goal: "H6", what: "memory_mb", atMost: 2 },
  { goal: "H6", what: "closed", atLeast: 1 },
]);
await Promise.all([readers.stop(), slowReaders.stop()]);
await live.stop();
