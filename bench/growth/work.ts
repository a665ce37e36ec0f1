import { audiencesOf } from "../../src/features/admin/broadcasts/audience.ts";
import { countDay } from "../../src/features/admin/overview/count-day.ts";
import { verifyLedger } from "../../src/features/billing/index.ts";
import { creditEntries } from "../../src/features/billing/tables.ts";
import { cleanUp } from "../../src/features/privacy/index.ts";
import { storedGauges } from "../../src/gauges.ts";
import { withPatience } from "../../src/platform/db/patience.ts";
import { newId } from "../../src/platform/ids.ts";
import { moscowDate } from "../../src/platform/moscow.ts";
import { claim, complete } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import type { World } from "./world.ts";

/** What the product does behind the routes, in this process on the database of each size. */

const BATCHES = 30;
/** As many as a worker has in hand. */
const BATCH_SIZE = 16;
const CLEANUPS = 5;
const COUNTS = 5;
/** As jobs that read a great deal have it. */
const STATEMENT_MS_MAX = 120_000;
const KIND = "bench.noop";
const PRICES = {
  ...{ kieThousandKopecks: 50_000, dollarKopecks: 9_000, pictureMillicredits: 4_000 },
  ...{ inputCents: 100, outputCents: 400 },
};

async function time(world: World, name: string, how: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  world.all.note(name, how, performance.now() - startedAt);
}

async function measureQueue(world: World): Promise<void> {
  const { ctx } = world.product;
  const workerId = newId();
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await ctx.transaction(async (tx) => {
      for (let made = 0; made < BATCH_SIZE; made += 1) await enqueue(tx, KIND, {});
    });
    let leased: Awaited<ReturnType<typeof claim>> = [];
    await time(world, "queue claim", `of ${BATCH_SIZE}`, async () => {
      leased = await claim(ctx, workerId, [KIND], BATCH_SIZE);
    });
    if (leased.length !== BATCH_SIZE) throw new Error(`${leased.length} jobs were claimed.`);
    const [ids, leases] = [leased.map(({ id }) => id), leased.map(({ lease }) => lease)];
    await time(world, "queue complete", `of ${BATCH_SIZE}`, () => complete(ctx, ids, leases));
  }
}

async function measureUpkeep(world: World): Promise<void> {
  const { ctx } = world.product;
  // The first one finds what has come due since the database was made; those after it look and find nothing.
  await time(world, "cleanup real", "the first", () => cleanUp(ctx, { dryRun: false }));
  for (let run = 0; run < CLEANUPS; run += 1) {
    await time(world, "cleanup dry", "", () => cleanUp(ctx, { dryRun: true }));
    await time(world, "cleanup real", "nothing due", () => cleanUp(ctx, { dryRun: false }));
  }
  for (let run = 0; run < COUNTS; run += 1) {
    await time(world, "gauges read", "all of /metrics", async () => {
      for (const gauge of storedGauges(ctx)) await gauge.read();
    });
    const today = moscowDate(ctx.clock.now());
    await time(world, "figures count", "of today", () => countDay(ctx, today, PRICES));
    const count = () => withPatience(STATEMENT_MS_MAX, () => audiencesOf(ctx));
    await time(world, "audience count", "behind its route", count);
  }
}

async function measureVerify(world: World): Promise<void> {
  const { ctx } = world.product;
  await time(world, "ledger verify", "", async () => {
    const { differences } = await verifyLedger(ctx);
    if (differences.length > 0) throw new Error(`The ledger of ${world.label} does not add up: ${differences.length}.`);
  });
}

/** Rows of the journal, for what is read as a whole. */
export const entriesIn = ({ product }: World): Promise<number> => product.ctx.db.$count(creditEntries);

export const WORK_STEPS = [measureQueue, measureUpkeep];
export const VERIFY_STEPS = [measureVerify];
