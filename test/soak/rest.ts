import { and, eq, gt, inArray, isNull, or, sql } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { payments, reconcile, refunds, taxEntries } from "../../src/features/billing/index.ts";
import { taxDesks, taxFilings } from "../../src/features/billing/tax/tax-tables.ts";
import { chatTurns } from "../../src/features/editing/tables.ts";
import { generations } from "../../src/features/generations/index.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import type { Stage } from "./stage.ts";

/** Where nothing of what is open has ended for so long, nothing will; the slowest are messages of one chat. */
const STANDSTILL_MS_MAX = 90_000;
/** After a long load much is open; but what always has something open is no rest. */
const REST_MS_MAX = 10 * MINUTE_MS;
const LOOK_MS = 1_000;
/** Whoever works at the desk of the tax service writes so at each call; a process that was killed there holds it for five minutes. */
const SILENT_AT_DESK_MS = 10_000;
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
  const lastDeadline = performance.now() + REST_MS_MAX;
  let deadline = performance.now() + STANDSTILL_MS_MAX;
  let before = "";
  const freeDesks = watchDesks(ctx);
  for (;;) {
    await freeDesks();
    await ctx.db.update(refunds).set({ nextCheckAt: ctx.clock.now() }).where(sql`${refunds.nextCheckAt} is not null`);
    await reconcile(ctx).catch(() => {});
    await hurryTaxes(ctx);
    await Bun.sleep(LOOK_MS);
    const left = await open(ctx);
    if (left.length === 0) return [];
    if (left.join() !== before) deadline = Math.min(lastDeadline, performance.now() + STANDSTILL_MS_MAX);
    before = left.join();
    if (performance.now() > deadline) return [...left.map((what) => `still open: ${what}`), ...(await taxLeft(ctx))];
  }
}

/** Frees a desk whose holder was killed, as its five minutes would. The holder that does live loses it and sits down anew. */
function watchDesks(ctx: Context): () => Promise<void> {
  const seen = new Map<string, { state: string; since: number }>();
  return async () => {
    for (const { service, holder, heldUntil } of await ctx.db.select().from(taxDesks)) {
      const state = `${holder} ${heldUntil?.getTime()}`;
      const before = seen.get(service);
      if (before?.state !== state) seen.set(service, { state, since: performance.now() });
      else if (holder !== null && performance.now() - before.since > SILENT_AT_DESK_MS) {
        const theirs = and(eq(taxDesks.service, service), eq(taxDesks.holder, holder));
        await ctx.db.update(taxDesks).set({ heldUntil: ctx.clock.now() }).where(theirs);
      }
    }
  };
}

async function hurryTaxes(ctx: Context): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.update(taxFilings).set({ nextAt: now }).where(isNull(taxFilings.aside));
  // The shop's clock is ahead: what was paid there meanwhile would be filed when ours has come so far.
  await ctx.db.update(taxEntries).set({ operationAt: now }).where(gt(taxEntries.operationAt, now));
  await ctx.db.update(taxDesks).set({ pausedUntil: null });
  await enqueue(ctx, "tax.file", {}, { uniqueKey: "soak.tax" });
}

/** What the connector says of the entries that are left, and of itself. */
async function taxLeft(ctx: Context): Promise<string[]> {
  const entries = await ctx.db
    .select({ state: taxEntries.state, filing: taxFilings })
    .from(taxEntries)
    .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
    .where(or(inArray(taxEntries.state, ["ready", "unknown"]), sql`${taxEntries.annulDue}`));
  const desks = await ctx.db.select().from(taxDesks);
  return entries.length === 0 ? [] : [JSON.stringify({ now: ctx.clock.now(), desks, entries })];
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
