import { alternate } from "./alternation.ts";
import { amount } from "./amount.ts";
import { openLiveProduct } from "./live-product.ts";
import { OURS, report } from "./result.ts";
import { quantile } from "./samples.ts";
import { nowMs, startSocketReaders } from "./socket-readers.ts";

/**
 * H5: events to 1 000 people, each on a socket of their own and a topic of their own. A delivery is a frame that has arrived at a
 * reader, in another process. Three things are measured, since our events outlive a restart and Bun's own publish, the peer,
 * stores nothing:
 *
 *   deliveries_per_second   many events for each person: ours are rows in the table when the clock starts, are read from there page by
 *                           page and sent, which is what a hub does after a wake-up; the peer publishes them from memory
 *   wave_p99_ms             one event for each person, all in one commit: from the commit (the peer: the first publish) to the
 *                           arrival of each, which is the fan-out alone, without the writing
 *   stored_per_second       the same from the beginning of the transaction: with the writing of two rows for each event. The peer has
 *                           nothing to set against it, and no bar is set
 */
const PEOPLE = amount("PEOPLE", 1_000);
const EVENTS_EACH = amount("EVENTS", 100);
const WAVES = amount("WAVES", 30);
const ROUNDS = amount("ROUNDS", 3);

const readers = startSocketReaders();
const live = await openLiveProduct(PEOPLE, readers);
const bareReaders = startSocketReaders();
const bare = Bun.serve<{ topic: string }>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    const topic = new URL(request.url).searchParams.get("topic") ?? "";
    return server.upgrade(request, { data: { topic } }) ? undefined : new Response(null, { status: 400 });
  },
  websocket: { open: (socket) => void socket.subscribe(socket.data.topic), message() {} },
});
const topics = live.people;
await bareReaders.open(
  bare.port ?? 0,
  topics.map((topic) => `/?topic=${topic}`),
  false,
);
const data = { id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", status: "running", progress: 40 };
const publishBare = (n: number) => {
  const at = new Date().toISOString();
  for (const topic of topics) bare.publish(topic, JSON.stringify({ n, type: "generation.progress", at, data }));
};

/** How many of the arrivals came in a second since `beganMs`. */
function rate(arrivals: readonly number[], beganMs: number): number {
  const lastMs = arrivals.reduce((latest, atMs) => Math.max(latest, atMs), 0);
  return (arrivals.length * 1_000) / (lastMs - beganMs);
}

async function ours(): Promise<Record<string, number>> {
  let beganMs = 0;
  const many = await readers.arrivals(PEOPLE * EVENTS_EACH, async () => {
    beganMs = await live.storeForAll(EVENTS_EACH);
  });
  const deliveries = rate(many, beganMs);
  const waits: number[] = [];
  let storedMs = 0;
  for (let wave = 0; wave < WAVES; wave += 1) {
    let committedMs = 0;
    const startedMs = nowMs();
    const arrivals = await readers.arrivals(PEOPLE, async () => {
      committedMs = await live.publishToAll();
    });
    waits.push(...arrivals.map((atMs) => atMs - committedMs));
    storedMs += Math.max(...arrivals) - startedMs;
  }
  return {
    deliveries_per_second: deliveries,
    wave_p99_ms: quantile(waits, 0.99),
    stored_per_second: (PEOPLE * WAVES * 1_000) / storedMs,
  };
}

async function peer(): Promise<Record<string, number>> {
  let beganMs = 0;
  const many = await bareReaders.arrivals(PEOPLE * EVENTS_EACH, () => {
    beganMs = nowMs();
    for (let n = 0; n < EVENTS_EACH; n += 1) publishBare(n);
  });
  const deliveries = rate(many, beganMs);
  const waits: number[] = [];
  for (let wave = 0; wave < WAVES; wave += 1) {
    const arrivals = await bareReaders.arrivals(PEOPLE, () => {
      beganMs = nowMs();
      publishBare(wave);
    });
    waits.push(...arrivals.map((atMs) => atMs - beganMs));
  }
  return { deliveries_per_second: deliveries, wave_p99_ms: quantile(waits, 0.99) };
}

const samples = await alternate({ [OURS]: ours, "bare Bun publish": peer }, ROUNDS);
await report("sockets", samples, [
  { goal: "H5", what: "deliveries_per_second", atLeast: 300_000 },
  { goal: "H5", what: "wave_p99_ms", atMost: 30 },
]);
await Promise.all([readers.stop(), bareReaders.stop()]);
await live.stop();
await bare.stop(true);
