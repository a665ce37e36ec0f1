import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import { jobs } from "../../../platform/queue/tables.ts";
import { creditHolds } from "../../billing/index.ts";
import {
  type GENERATION_TYPES,
  type Generation,
  type GenerationStatus,
  generationAttempts,
  generationJobKey,
  generations,
  isFinal,
} from "../../generations/index.ts";
import { type DayRange, withinDays } from "../day-range.ts";
import { peopleById, personRef } from "../people/people.ts";
import { behind, type Place } from "../time-order.ts";

export interface GenerationFilter extends DayRange {
  status?: GenerationStatus | undefined;
  type?: (typeof GENERATION_TYPES)[number] | undefined;
  error?: string | undefined;
  person?: string | undefined;
}

type Reads = Pick<Context, "db">;

/** Everybody's pictures, the newest first; `before` is the id of the last one already seen. */
export async function listGenerations(
  ctx: Reads,
  filter: GenerationFilter,
  page: { before: string | null; limit: number },
): Promise<Generation[]> {
  const { person, type, error } = filter;
  if (person !== undefined && !isId(person)) return [];
  let place: Place | null = null;
  if (page.before !== null) {
    const [last] = await ctx.db.select().from(generations).where(eq(generations.id, page.before));
    if (!last) return [];
    place = { at: last.createdAt, id: last.id };
  }
  return ctx.db
    .select()
    .from(generations)
    .where(
      and(
        statusIs(filter.status),
        person === undefined ? undefined : eq(generations.userId, person),
        type === undefined ? undefined : eq(generations.type, type),
        error === undefined ? undefined : eq(generations.errorCode, error),
        withinDays(generations.createdAt, filter),
        behind(generations, place),
      ),
    )
    .orderBy(desc(generations.createdAt), desc(generations.id))
    .limit(page.limit);
}

/** A literal, because indexes cover some states only: what is in work, what failed, what was cancelled. */
function statusIs(status: GenerationStatus | undefined) {
  if (status === undefined) return undefined;
  const literal = sql`${generations.status} = ${sql.raw(`'${status}'`)}`;
  const isInWork = sql`${generations.status} in ('queued', 'submitting', 'running', 'finishing')`;
  return isFinal(status) ? literal : and(isInWork, literal);
}

/** Pictures as lists show them: whose, how they ended, never what is on them or was asked for. */
export async function generationRows(ctx: Reads, rows: readonly Generation[]) {
  const people = await peopleById(
    ctx,
    rows.map((row) => row.userId),
  );
  return rows.map((row) => {
    const person = people.get(row.userId);
    if (!person) throw new Error("a generation belongs to a person");
    return {
      id: row.id,
      person: personRef(person),
      type: row.type,
      status: row.status,
      progress: row.progress,
      attempt: row.attempt,
      credits_spent: row.creditsSpent,
      free_action: row.freeAction,
      error: row.errorCode,
      created_at: row.createdAt.toISOString(),
      deadline_at: row.deadlineAt.toISOString(),
      finished_at: row.finishedAt?.toISOString() ?? null,
      seconds:
        row.finishedAt === null
          ? null
          : Math.max(0, Math.round((row.finishedAt.getTime() - row.createdAt.getTime()) / 1000)),
    };
  });
}

/** The generation with this id. Throws the refusal `not_found`. */
export async function anyGeneration(ctx: Reads, generationId: string): Promise<Generation> {
  const [row] = isId(generationId)
    ? await ctx.db.select().from(generations).where(eq(generations.id, generationId))
    : [];
  if (!row) throw new Refusal("not_found");
  return row;
}

/** A generation with its tasks at the provider, what it holds and what moves it. */
export async function generationCard(ctx: Reads, generationId: string) {
  const generation = await anyGeneration(ctx, generationId);
  const [row] = await generationRows(ctx, [generation]);
  const [hold] = await ctx.db.select().from(creditHolds).where(eq(creditHolds.id, generation.holdId));
  const attempts = await ctx.db
    .select()
    .from(generationAttempts)
    .where(eq(generationAttempts.generationId, generation.id))
    .orderBy(asc(generationAttempts.number));
  const [job] = await ctx.db
    .select()
    .from(jobs)
    .where(eq(jobs.uniqueKey, generationJobKey(generation.id)));
  if (!row || !hold) throw new Error("a generation has a person and a hold");
  return {
    generation: row,
    cancel_requested_at: generation.cancelRequestedAt?.toISOString() ?? null,
    hold: { id: hold.id, state: hold.state, credits: hold.credits },
    attempts: attempts.map((one) => ({
      number: one.number,
      state: one.state,
      provider_task_id: one.providerTaskId,
      failure: one.failure,
      polls: one.polls,
      cost_millicredits: one.costMillicredits,
      submitted_at: one.submittedAt.toISOString(),
      ended_at: one.endedAt?.toISOString() ?? null,
    })),
    job: job
      ? {
          id: job.id,
          state: job.state,
          failures: job.failures,
          last_error: job.lastError,
          run_at: job.runAt.toISOString(),
        }
      : null,
  };
}
