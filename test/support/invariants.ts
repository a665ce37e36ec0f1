import { asc, eq, isNull } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { verifyLedger } from "../../src/features/billing/index.ts";
import { creditHolds } from "../../src/features/billing/tables.ts";
import { generationAttempts, generations, isFinal } from "../../src/features/generations/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { liveEvents, liveSequences } from "../../src/platform/live/tables.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import type { KieEmulator, KieStats } from "../../src/sandbox/kie.ts";

/**
 * What must hold once every generation has ended, whatever happened on the way; each violation as a sentence, so that
 * `expect(await violations(...)).toEqual([])` shows all of them.
 */
export async function violations(ctx: Context, kie: KieEmulator): Promise<string[]> {
  const found = [
    ...(await inLedger(ctx)),
    ...(await inGenerations(ctx, kie)),
    ...(await inEvents(ctx)),
    ...(await inQueue(ctx)),
  ];
  return found;
}

async function inLedger(ctx: Context): Promise<string[]> {
  const { differences } = await verifyLedger(ctx);
  return differences.map(({ user_id, what, expected, found }) => `${user_id}: ${what} is ${found}, not ${expected}`);
}

type ProviderTask = KieStats["tasks"][number];

/** What the callback address of a task says of whose it is. */
function attemptOf(task: ProviderTask): string {
  return /\/kie\/callback\/([0-9a-f-]{36})\./.exec(task.callBackUrl ?? "")?.[1] ?? "";
}

/** The emulator's tasks of each generation in the order of their making, told apart by the attempt in their callback address. */
export async function tasksByGeneration(ctx: Context, kie: KieEmulator): Promise<Map<string, ProviderTask[]>> {
  const attempts = await ctx.db.select().from(generationAttempts);
  const generationOf = new Map(attempts.map((attempt) => [attempt.id, attempt.generationId]));
  const tasks = new Map<string, ProviderTask[]>();
  for (const task of kie.stats().tasks) {
    const generationId = generationOf.get(attemptOf(task)) ?? `nobody's (attempt ${attemptOf(task)})`;
    tasks.set(generationId, [...(tasks.get(generationId) ?? []), task]);
  }
  return tasks;
}

/**
 * What is wrong with a generation's tasks, in the order of their making. A task after one that the provider itself ended
 * as failed is meant, and not billed twice; a second task of one attempt, or one beside another that may yet succeed, is
 * a double create.
 */
export function doubleCreates(tasks: readonly ProviderTask[]): string[] {
  const found: string[] = [];
  const attempts = tasks.map(attemptOf);
  if (new Set(attempts).size < attempts.length) found.push("one attempt has several tasks");
  for (const [place, task] of tasks.slice(1).entries()) {
    const before = tasks[place];
    const hadFailed = before?.state === "fail" && (before.completedAt ?? "~") <= task.createdAt;
    if (!hadFailed) found.push(`a task was made while task ${before?.taskId} had not failed`);
  }
  return found;
}

async function inGenerations(ctx: Context, kie: KieEmulator): Promise<string[]> {
  const found: string[] = [];
  const all = await ctx.db.select().from(generations);
  const holds = new Map((await ctx.db.select().from(creditHolds)).map((hold) => [hold.id, hold.state]));
  const tasks = await tasksByGeneration(ctx, kie);
  for (const generation of all) {
    const made = tasks.get(generation.id) ?? [];
    const hold = holds.get(generation.holdId);
    const isSuccess = generation.status === "succeeded";
    if (!isFinal(generation.status)) found.push(`generation ${generation.id} is still ${generation.status}`);
    const succeeded = made.filter(({ state }) => state === "success").length;
    const wrong = doubleCreates(made);
    if (isSuccess && succeeded !== 1) wrong.push(`it succeeded with ${succeeded} tasks that did`);
    if (wrong.length > 0) found.push(await describeTasks(ctx, generation.id, wrong, made));
    if (hold !== (isSuccess ? "settled" : "released")) {
      found.push(`generation ${generation.id} is ${generation.status} and its hold ${hold}`);
    }
    tasks.delete(generation.id);
  }
  return [...found, ...[...tasks.keys()].map((key) => `a task belongs to no generation: ${key}`)];
}

/** With both sides' books of it, as the run that led there cannot be had again. */
async function describeTasks(ctx: Context, id: string, wrong: string[], tasks: ProviderTask[]): Promise<string> {
  const attempts = await ctx.db.select().from(generationAttempts).where(eq(generationAttempts.generationId, id));
  return `generation ${id}: ${wrong.join("; ")}\n  here: ${JSON.stringify(attempts)}\n  there: ${JSON.stringify(tasks)}`;
}

async function inEvents(ctx: Context): Promise<string[]> {
  const found: string[] = [];
  const sequences = await ctx.db.select().from(liveSequences);
  const events = await ctx.db.select().from(liveEvents).orderBy(asc(liveEvents.userId), asc(liveEvents.number));
  for (const { userId, lastNumber } of sequences) {
    const numbers = events.filter((event) => event.userId === userId).map((event) => event.number);
    if (!isUnbroken(numbers, lastNumber)) found.push(`events of ${userId} up to ${lastNumber} are ${numbers}`);
  }
  const ends = new Map<string, number>();
  for (const event of events.filter(({ type }) => /^generation\.(succeeded|failed|cancelled)$/.test(type))) {
    const id = String(event.data.id);
    ends.set(id, (ends.get(id) ?? 0) + 1);
  }
  // Whoever has been erased has no events any more.
  const ofPeople = ctx.db
    .select({ id: generations.id })
    .from(generations)
    .innerJoin(users, eq(users.id, generations.userId))
    .where(isNull(users.erasedAt));
  for (const { id } of await ofPeople) {
    if (ends.get(id) !== 1) found.push(`generation ${id} has ${ends.get(id) ?? 0} events of its end`);
  }
  return found;
}

/** Whether the numbers are 1, 2, 3 ... up to `last`. */
export function isUnbroken(numbers: readonly number[], last: number): boolean {
  return numbers.length === last && numbers.every((number, place) => number === place + 1);
}

/** A job's own end is written a moment after that of its generation, so what is left is looked at until it is gone. */
const QUEUE_SETTLING_MS = 3_000;

async function inQueue(ctx: Context): Promise<string[]> {
  const giveUpAt = performance.now() + QUEUE_SETTLING_MS;
  for (;;) {
    const left = (await ctx.db.select().from(jobs))
      .filter((job) => job.state === "parked" || job.kind === "generation.run")
      .map((job) => `job ${job.kind} is still ${job.state} (${job.parkedReason ?? job.lastError ?? "no error"})`);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await Bun.sleep(50);
  }
}
