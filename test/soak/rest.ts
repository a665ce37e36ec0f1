import { inArray, isNull, sql } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { payments, reconcile, refunds, taxEntries } from "../../src/features/billing/index.ts";
import { taxDesks, taxFilings } from "../../src/features/billing/tax/tax-tables.ts";
import { chatTurns } from "../../src/features/editing/tables.ts";
import { generations } from "../../src/features/generations/index.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import type { Stage } from "./stage.ts";

/** All that was begun has ended by then; the slowest are messages of one chat and receipts that were put off. */
const REST_MS_MAX = 90_000;
const LOOK_MS = 1_000;
/** What the provider makes the shop wait for, in its own time. */
const SHOP_AHEAD_MS = 5 * MINUTE_MS;

/**
 * Lets everything run to its end. What waits for its time is brought forward, as if that time had passed: second tries at
 * the tax service, which take up to hours. Each thing that is still open at the end is a difference.
 */
export async function runToTheEnd(stage: Stage, ctx: Context): Promise<string[]> {
  await stage.shop.advance(SHOP_AHEAD_MS);
  // A login that was refused, or sales that were, stop the connector until the owner has acted: so the owner acts.
  const resumed = await stage.deployment.run(["tax", "resume"]);
  if (resumed.code !== 0) return [`tax resume ended with ${resumed.code}: ${resumed.stderr}`];
  const deadline = performance.now() + REST_MS_MAX;
  for (;;) {
    await ctx.db.update(refunds).set({ nextCheckAt: ctx.clock.now() }).where(sql`${refunds.nextCheckAt} is not null`);
    await reconcile(ctx).catch(() => {});
    await hurryTaxes(ctx);
    await Bun.sleep(LOOK_MS);
    const left = await open(ctx);
    if (left.length === 0 || performance.now() > deadline) return left.map((what) => `still open: ${what}`);
  }
}

async function hurryTaxes(ctx: Context): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.update(taxFilings).set({ nextAt: now }).where(isNull(taxFilings.aside));
  await ctx.db.update(taxDesks).set({ pausedUntil: null });
  await enqueue(ctx, "tax.file", {}, { uniqueKey: "soak.tax" });
}

async function open(ctx: Context): Promise<string[]> {
  const live = ["queued", "submitting", "running", "finishing"] as const;
  const counts: Record<string, number> = {
    generations: await ctx.db.$count(generations, inArray(generations.status, [...live])),
    "turns of conversations": await ctx.db.$count(chatTurns, inArray(chatTurns.state, ["queued", "running"])),
    messages: await ctx.db.$count(outboxMessages, inArray(outboxMessages.state, ["waiting", "sending"])),
    refunds: await ctx.db.$count(refunds, sql`${refunds.status} = 'pending'`),
    "payments the shop was not asked for": await ctx.db.$count(
      payments,
      sql`${payments.status} = 'pending' and ${payments.yookassaId} is null`,
    ),
    "entries of the tax journal": await ctx.db.$count(taxEntries, inArray(taxEntries.state, ["ready", "unknown"])),
    "annulments at the tax service": await ctx.db.$count(taxEntries, sql`${taxEntries.annulDue}`),
  };
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
}
