import { and, desc, eq, isNotNull, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { MINUTE_MS } from "../../platform/clock.ts";
import { builtOnce, type Given } from "../../platform/db/built-once.ts";
import type { Generation } from "./start.ts";
import { generations } from "./tables.ts";

/** What a picture takes as long as none was made: kie.ai's own figure with the way there and back. */
const DEFAULT_DURATION_MS = 12_000;
/** So many recent pictures say how long one takes. */
const SAMPLE_SIZE = 30;
/** An estimate never says more; the rest belongs to the real end. */
const ESTIMATE_MAX = 95;

/** Everybody who looks counts those before them: in a longer queue each look would cost as much as the queue is long. */
const QUEUE_COUNTED_MAX = 1_000;

/** The median is the same for everybody and moves slowly, so each process reads it once a minute. */
const remembered = new WeakMap<object, { medianMs: number; until: number }>();

/** The median time from start to end of recent pictures, in ms. */
export async function recentMedianMs(ctx: Pick<Context, "db" | "clock" | "settings">): Promise<number> {
  const now = ctx.clock.now().getTime();
  const known = remembered.get(ctx.settings);
  if (known && known.until > now) return known.medianMs;
  const rows = await ctx.db
    .select({ startedAt: generations.startedAt, finishedAt: generations.finishedAt })
    .from(generations)
    .where(and(sql`${generations.status} = 'succeeded'`, isNotNull(generations.finishedAt)))
    .orderBy(desc(generations.finishedAt), desc(generations.id))
    .limit(SAMPLE_SIZE);
  const durations = rows
    .map((row) => (row.finishedAt?.getTime() ?? 0) - (row.startedAt?.getTime() ?? 0))
    .filter((ms) => ms > 0)
    .sort((a, b) => a - b);
  const medianMs = durations[Math.floor(durations.length / 2)] ?? DEFAULT_DURATION_MS;
  remembered.set(ctx.settings, { medianMs, until: now + MINUTE_MS });
  return medianMs;
}

/** Progress of a task of this age where the provider gives none: rises to 95 around the median and stays there. */
export async function estimatedProgress(
  ctx: Pick<Context, "db" | "clock" | "settings">,
  ageMs: number,
): Promise<number> {
  const medianMs = await recentMedianMs(ctx);
  return Math.max(1, Math.min(ESTIMATE_MAX, Math.round((ageMs / medianMs) * ESTIMATE_MAX)));
}

/** How many queued generations stand before this one, and when it will be ready at a guess. */
export async function outlook(
  ctx: Pick<Context, "db" | "clock" | "settings">,
  generation: Generation,
): Promise<{ queue_position?: number; eta_seconds: number }> {
  const medianMs = await recentMedianMs(ctx);
  if (generation.status !== "queued") {
    const ageMs = ctx.clock.now().getTime() - (generation.startedAt ?? generation.createdAt).getTime();
    return { eta_seconds: Math.max(1, Math.ceil((medianMs - ageMs) / 1000)) };
  }
  const [row] = await (generation.freeAction ? countAhead : countPaidAhead)(ctx.db, { id: generation.id });
  const ahead = row?.count ?? 0;
  const rounds = 1 + Math.floor(ahead / ctx.settings.WORKER_CONCURRENCY);
  return { queue_position: ahead + 1, eta_seconds: Math.ceil((rounds * medianMs) / 1000) };
}

/** Those that wait before one whose free action pays, and those before one that is paid for: they overtake the free. */
const countAhead = aheadCount(false);
const countPaidAhead = aheadCount(true);

function aheadCount(onlyPaid: boolean) {
  return builtOnce((db, given: Given<{ id: string }>) => {
    const ahead = db
      .select({ id: generations.id })
      .from(generations)
      .where(
        and(
          sql`${generations.status} in ('queued', 'submitting', 'running', 'finishing')`,
          eq(generations.status, "queued"),
          lt(generations.id, given("id", generations.id)),
          onlyPaid ? eq(generations.freeAction, false) : undefined,
        ),
      )
      .limit(QUEUE_COUNTED_MAX)
      .as("ahead");
    return db.select({ count: sql`count(*)`.mapWith(Number) }).from(ahead);
  });
}
