import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { publish } from "../../platform/live/events.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import type { FailureCode } from "../notifications/index.ts";
import { endGeneration } from "./finish.ts";
import type { Generation } from "./start.ts";
import { type GenerationStatus, mayBecome } from "./states.ts";
import { generations } from "./tables.ts";

/** A generation in the hands of this worker. */
export interface Step {
  generation: Generation;
  job: LeasedJob;
}

/** The pause after the provider failed in a step that may simply be repeated. */
export const PROVIDER_PAUSE_MS = 3_000;

/** Tries of one provider call, as everywhere. */
export const PROVIDER_TRIES_MAX = 3;

/** A picture takes about seven seconds; nothing is lost by asking after 2.5 s. */
export const FIRST_POLL_MS = 2_500;

/** The generation with this id, or null. */
export async function findGeneration(ctx: Pick<Context, "db">, generationId: string): Promise<Generation | null> {
  const rows = await ctx.db.select().from(generations).where(eq(generations.id, generationId));
  return rows[0] ?? null;
}

/**
 * Moves the generation on, in a fenced transaction, together with what `work` writes. Returns false when it is no longer
 * in the status from which it starts: somebody ended it.
 */
export async function advance(
  ctx: Context,
  step: Step,
  to: GenerationStatus,
  change: Partial<typeof generations.$inferInsert> = {},
  work: (tx: Context) => Promise<void> = async () => {},
): Promise<boolean> {
  const from = step.generation.status;
  if (from !== to && !mayBecome(from, to)) throw new Error(`a generation cannot go from ${from} to ${to}`);
  const moved = await ctx.transaction(async (tx) => {
    await fence(tx, step.job);
    const [row] = await tx.db
      .update(generations)
      .set({ ...change, status: to, updatedAt: tx.clock.now() })
      .where(and(eq(generations.id, step.generation.id), eq(generations.status, from)))
      .returning();
    if (row) await work(tx);
    return row;
  });
  // Only now: a transaction that was undone has moved nothing.
  if (moved) step.generation = moved;
  return moved !== undefined;
}

/** Raises the progress, which never falls, and tells the person. */
export async function raiseProgress(ctx: Context, step: Step, progress: number): Promise<void> {
  if (progress <= step.generation.progress) return;
  await ctx.transaction(async (tx) => {
    await fence(tx, step.job);
    const [moved] = await tx.db
      .update(generations)
      .set({ progress, updatedAt: tx.clock.now() })
      .where(and(eq(generations.id, step.generation.id), sql`${generations.progress} < ${progress}`))
      .returning();
    if (!moved) return;
    step.generation = moved;
    await publish(tx, moved.userId, "generation.progress", { id: moved.id, status: moved.status, progress });
  });
}

/** Ends the generation as failed, and the attempt with it if `work` says so. */
export async function failStep(
  ctx: Context,
  step: Step,
  code: FailureCode,
  work: (tx: Context) => Promise<void> = async () => {},
): Promise<JobOutcome> {
  await ctx.transaction(async (tx) => {
    await fence(tx, step.job);
    await work(tx);
    await endGeneration(tx, step.generation.id, { status: "failed", code });
  });
  return DONE;
}
