import { sleep } from "bun";
import { openSession } from "../src/features/auth/sessions.ts";
import { findOrCreateUser } from "../src/features/profile/index.ts";
import { newId } from "../src/platform/ids.ts";
import { publish } from "../src/platform/live/events.ts";
import { issueTicket } from "../src/platform/live/tickets.ts";
import { startApi } from "../src/roles/api.ts";
import { alternate } from "./alternation.ts";
import { freePort } from "./free-port.ts";
import { openProduct } from "./product.ts";
import { OURS, report } from "./result.ts";
import { quantile } from "./samples.ts";

/**
 * H5: events to 1 000 people, each on a socket of their own. Ours are the product's: written into the table in a transaction, read
 * from there by the hub, sent in order and once. The peer is Bun's own publish to a topic for each socket, which
 * stores nothing, so that the distance between both is what events that outlive a restart cost. Clients and server share
 * one process on both sides.
 */
const PEOPLE = 1_000;
const EVENTS_EACH = 5;
/** People whose events are written in one transaction: the disk's sync is not what is measured. */
const TOGETHER = 100;
const ROUNDS = 3;
const PACED = 300;
const PACE_MS = 5;

interface Counter {
  heard: number;
  until(count: number): Promise<void>;
  onHeard(): void;
}

function createCounter(): Counter {
  let wake = () => {};
  let wanted = Number.POSITIVE_INFINITY;
  const counter: Counter = {
    heard: 0,
    async until(count) {
      wanted = count;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      if (counter.heard < wanted) await promise;
      counter.heard = 0;
    },
    onHeard() {
      counter.heard += 1;
      if (counter.heard >= wanted) wake();
    },
  };
  return counter;
}

async function connect(address: string, onText: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(address);
  socket.onmessage = ({ data }) => onText(String(data));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  socket.onclose = ({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`));
  await promise;
  return socket;
}

/** Everything at once for the pace, then single events for the delay; both end when the last has arrived. */
async function measure(
  counter: Counter,
  waits: number[],
  sendAll: () => Promise<void>,
  sendOne: (place: number) => Promise<void>,
): Promise<Record<string, number>> {
  const beganMs = performance.now();
  const all = counter.until(PEOPLE * EVENTS_EACH);
  await sendAll();
  await all;
  const seconds = (performance.now() - beganMs) / 1_000;
  waits.length = 0;
  const paced = counter.until(PACED);
  for (let place = 0; place < PACED; place += 1) {
    await sendOne(place);
    await sleep(PACE_MS);
  }
  await paced;
  return { deliveries_per_second: (PEOPLE * EVENTS_EACH) / seconds, p99_ms: quantile(waits, 0.99) };
}

const port = await freePort();
const secret = "a-secret-of-the-bench-which-is-32-bytes-long";
const keys = { JWT_SECRET: secret, LINK_SECRET: secret, RATE_LIMITS: "off" };
const product = await openProduct("", { ...keys, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
const { ctx } = product;
const api = await startApi(product);
const counter = createCounter();
const waits: number[] = [];
const people: string[] = [];
for (let place = 0; place < PEOPLE; place += 1) {
  const { user } = await findOrCreateUser(ctx, { telegramId: place + 1, firstName: "Anna" });
  const { sessionId } = await openSession(ctx, user.id);
  const ticket = await issueTicket(ctx, { userId: user.id, sessionId });
  people.push(user.id);
  await connect(`ws://127.0.0.1:${port}/api/v1/live?ticket=${ticket}`, (text) => {
    const { type, data } = JSON.parse(text) as { type: string; data?: { sent: number } };
    if (type !== "notice" || data === undefined) return;
    waits.push(performance.now() - data.sent);
    counter.onHeard();
  });
}
const publishTo = (userId: string | undefined) =>
  ctx.transaction((tx) => publish(tx, userId ?? newId(), "notice", { sent: performance.now() }));

async function publishToAll(): Promise<void> {
  for (let first = 0; first < PEOPLE; first += TOGETHER) {
    await ctx.transaction(async (tx) => {
      for (const userId of people.slice(first, first + TOGETHER)) {
        await publish(tx, userId, "notice", { sent: performance.now() });
      }
    });
  }
}

const bare = Bun.serve<{ topic: string }>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    const topic = new URL(request.url).searchParams.get("topic") ?? "";
    return server.upgrade(request, { data: { topic } }) ? undefined : new Response(null, { status: 400 });
  },
  websocket: { open: (socket) => void socket.subscribe(socket.data.topic), message() {} },
});
const bareCounter = createCounter();
const bareWaits: number[] = [];
for (let place = 0; place < PEOPLE; place += 1) {
  await connect(`ws://127.0.0.1:${bare.port}/?topic=${place}`, (text) => {
    bareWaits.push(performance.now() - (JSON.parse(text) as { sent: number }).sent);
    bareCounter.onHeard();
  });
}
const publishBare = (place: number) => {
  bare.publish(String(place), JSON.stringify({ type: "notice", sent: performance.now() }));
};

const samples = await alternate(
  {
    [OURS]: () =>
      measure(
        counter,
        waits,
        async () => {
          for (let turn = 0; turn < EVENTS_EACH; turn += 1) await publishToAll();
        },
        (place) => publishTo(people[place % PEOPLE]),
      ),
    "bare Bun publish": () =>
      measure(
        bareCounter,
        bareWaits,
        async () => {
          for (let turn = 0; turn < EVENTS_EACH; turn += 1) for (let at = 0; at < PEOPLE; at += 1) publishBare(at);
        },
        async (place) => publishBare(place % PEOPLE),
      ),
  },
  ROUNDS,
);
await report("sockets", samples, [
  { goal: "H5", what: "deliveries_per_second", atLeast: 300_000 },
  { goal: "H5", what: "p99_ms", atMost: 30 },
]);
await api.stop();
process.exit(0);
