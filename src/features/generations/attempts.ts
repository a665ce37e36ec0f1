import { createHmac, timingSafeEqual } from "node:crypto";
import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isId, newId } from "../../platform/ids.ts";
import { type EnqueueNeeds, wakeJob } from "../../platform/queue/enqueue.ts";
import { generationJobKey } from "./start.ts";
import { generationAttempts } from "./tables.ts";

export type Attempt = typeof generationAttempts.$inferSelect;

/** The newest attempt of a generation, or null before the first. */
export async function latestAttempt(ctx: Pick<Context, "db">, generationId: string): Promise<Attempt | null> {
  const rows = await ctx.db
    .select()
    .from(generationAttempts)
    .where(eq(generationAttempts.generationId, generationId))
    .orderBy(desc(generationAttempts.number))
    .limit(1);
  return rows[0] ?? null;
}

/** Writes down that a task is about to be created, before the provider is asked: from here on it may exist. */
export async function openAttempt(
  tx: Pick<Context, "db" | "clock">,
  generationId: string,
  number: number,
): Promise<Attempt> {
  const attempt = {
    id: newId(),
    generationId,
    number,
    state: "submitting" as const,
    providerTaskId: null,
    claimedTaskId: null,
    failure: null,
    polls: 0,
    costMillicredits: null,
    submittedAt: tx.clock.now(),
    acceptedAt: null,
    endedAt: null,
  };
  await tx.db.insert(generationAttempts).values(attempt);
  return attempt;
}

/** Changes an attempt that has not ended. */
export async function changeAttempt(
  tx: Pick<Context, "db">,
  attemptId: string,
  change: Partial<typeof generationAttempts.$inferInsert>,
): Promise<boolean> {
  const rows = await tx.db
    .update(generationAttempts)
    .set(change)
    .where(and(eq(generationAttempts.id, attemptId), isNull(generationAttempts.endedAt)))
    .returning({ id: generationAttempts.id });
  return rows.length > 0;
}

/**
 * Notes which task an attempt without an id is said to have, and makes its generation's job look at once. Whoever says
 * so is not believed: the job asks the provider whether the task is this attempt's.
 */
export async function claimTask(
  tx: EnqueueNeeds,
  attempt: Pick<Attempt, "id" | "generationId">,
  taskId: string,
): Promise<void> {
  // First, as the generation's own steps lock their job before anything else.
  await wakeJob(tx, generationJobKey(attempt.generationId), { inHand: true });
  await tx.db
    .update(generationAttempts)
    .set({ claimedTaskId: taskId })
    .where(
      and(
        eq(generationAttempts.id, attempt.id),
        isNull(generationAttempts.providerTaskId),
        isNull(generationAttempts.endedAt),
      ),
    );
}

/** Ends an attempt with what the provider said and charged. */
export async function closeAttempt(
  tx: Pick<Context, "db" | "clock">,
  attemptId: string,
  end: { state: "succeeded" | "failed"; failure?: string; credits?: number | undefined },
): Promise<void> {
  await changeAttempt(tx, attemptId, {
    state: end.state,
    failure: end.failure?.slice(0, 200) ?? null,
    endedAt: tx.clock.now(),
    ...(end.credits === undefined ? {} : { costMillicredits: Math.round(end.credits * 1000) }),
  });
}

/** Counts a look at the task. */
export async function countPoll(ctx: Pick<Context, "db">, attemptId: string): Promise<void> {
  await ctx.db
    .update(generationAttempts)
    .set({ polls: sql`${generationAttempts.polls} + 1` })
    .where(eq(generationAttempts.id, attemptId));
}

/** How many attempts of the generation ended with one of these failures. */
export async function failuresOf(ctx: Pick<Context, "db">, generationId: string, prefix: string): Promise<number> {
  const [row] = await ctx.db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(generationAttempts)
    .where(
      and(eq(generationAttempts.generationId, generationId), sql`${generationAttempts.failure} like ${`${prefix}%`}`),
    );
  return row?.count ?? 0;
}

/**
 * The secret part of an attempt's callback address: its id and a MAC. Nobody can make one, and it tells to which attempt
 * a call belongs even when the answer with the task's id was lost.
 */
export function callbackSecret(ctx: Pick<Context, "settings">, attemptId: string): string {
  const key = ctx.settings.LINK_SECRET[0] ?? "";
  return `${attemptId}.${mac(key, attemptId)}`;
}

/** The attempt that a callback's secret names, or null for anything that we did not make. */
export function attemptOfCallback(ctx: Pick<Context, "settings">, secret: string): string | null {
  const [attemptId = "", given = ""] = secret.split(".");
  if (!isId(attemptId) || given.length !== MAC_LENGTH) return null;
  const isOurs = ctx.settings.LINK_SECRET.some((key) =>
    timingSafeEqual(
      Buffer.from(mac(key, attemptId)),
      Buffer.from(given.padEnd(MAC_LENGTH).slice(0, MAC_LENGTH), "latin1"),
    ),
  );
  return isOurs ? attemptId : null;
}

const MAC_LENGTH = 43;

function mac(key: string, attemptId: string): string {
  return createHmac("sha256", key).update(`kie-callback:${attemptId}`).digest("base64url");
}
