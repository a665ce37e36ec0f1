import type { Context } from "./context.ts";
import { openPayments, openRefunds } from "./features/billing/index.ts";
import { creditsHeldByTurns } from "./features/editing/index.ts";
import { creditsHeldByPictures, providerState } from "./features/generations/index.ts";
import { waitingMessages } from "./features/notifications/index.ts";
import { handlers } from "./jobs.ts";
import { SECOND_MS } from "./platform/clock.ts";
import { type KindNumbers, queueNumbers } from "./platform/queue/queue-numbers.ts";
import type { GaugeSource, Sample } from "./platform/telemetry/gauge.ts";
import type { StoredGauge } from "./platform/telemetry/stored-gauges.ts";

/** Kinds that a newer version put into the queue; a label must not hold just anything that a row says. */
const OTHER_KIND = "other";

/** Every number of the metrics that the database knows. All processes show the same: take the largest, never the sum. */
export function storedGauges(ctx: Context): StoredGauge[] {
  // One reading of the queue for the three numbers that are made of it.
  let queue: KindNumbers[] = [];
  return [
    {
      name: "atelier_queue_jobs",
      help: "Jobs in the queue by kind and state.",
      labels: ["kind", "state"],
      async read() {
        queue = withKnownKinds(await queueNumbers(ctx));
        return queue.map(({ kind, state, jobs }) => ({ labels: { kind, state }, value: jobs }));
      },
    },
    {
      name: "atelier_queue_oldest_due_seconds",
      help: "For how long the longest waiting job has been due; 0 when none waits.",
      labels: [],
      read: async () => [{ value: Math.max(0, ...queue.map(({ oldestDueMs }) => oldestDueMs)) / SECOND_MS }],
    },
    {
      name: "atelier_dead_letters",
      help: "Jobs set aside for an operator.",
      labels: [],
      read: async () => [{ value: total(queue.filter(({ state }) => state === "parked").map(({ jobs }) => jobs)) }],
    },
    {
      name: "atelier_credits_held",
      help: "Credits set aside for work that has not ended, by what it is.",
      labels: ["work"],
      read: async () => [
        { labels: { work: "pictures" }, value: await creditsHeldByPictures(ctx) },
        { labels: { work: "chat" }, value: await creditsHeldByTurns(ctx) },
      ],
    },
    {
      name: "atelier_payments_open",
      help: "Orders whose end the payment provider has not named yet.",
      labels: ["kind"],
      read: async () => [
        { labels: { kind: "payment" }, value: await openPayments(ctx) },
        { labels: { kind: "refund" }, value: await openRefunds(ctx) },
      ],
    },
    {
      name: "atelier_outbox_waiting",
      help: "Messages of the bot that wait for their turn.",
      labels: ["lane"],
      read: async () =>
        Object.entries(await waitingMessages(ctx)).map(([lane, value]): Sample => ({ labels: { lane }, value })),
    },
    {
      name: "atelier_provider_breaker_open",
      help: "1 while new calls to the provider are refused because it does not answer.",
      labels: ["provider"],
      async read() {
        const openUntil = (await providerState(ctx))?.openUntil ?? null;
        const isOpen = openUntil !== null && openUntil > ctx.clock.now();
        return [
          { labels: { provider: "kie.ai" }, value: Number(isOpen) },
          { labels: { provider: "yookassa" }, value: Number((ctx.paymentProvider?.pausedMs() ?? 0) > 0) },
        ];
      },
    },
  ];
}

/** What this process knows of itself without asking anybody. */
export function ownGauges(ctx: Context): GaugeSource[] {
  const gauge = (name: string, help: string, read: () => number): GaugeSource => ({
    name,
    help,
    labels: [],
    read: () => [{ value: read() }],
  });
  return [
    gauge("atelier_image_slots_in_use", "Pictures that this process works on.", () => ctx.images.inUse()),
    gauge("atelier_image_slots_waiting", "Pictures that wait for a slot.", () => ctx.images.waiting()),
  ];
}

function withKnownKinds(numbers: readonly KindNumbers[]): KindNumbers[] {
  const sums = new Map<string, KindNumbers>();
  for (const found of numbers) {
    const kind = found.kind in handlers ? found.kind : OTHER_KIND;
    const sum = sums.get(`${kind} ${found.state}`);
    sums.set(`${kind} ${found.state}`, {
      ...found,
      kind,
      jobs: found.jobs + (sum?.jobs ?? 0),
      oldestDueMs: Math.max(found.oldestDueMs, sum?.oldestDueMs ?? 0),
    });
  }
  return [...sums.values()];
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
