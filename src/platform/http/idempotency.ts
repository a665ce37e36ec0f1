import { createHash } from "node:crypto";
import { and, eq, lt } from "drizzle-orm";
import { after, type Clock, DAY_MS, SECOND_MS } from "../clock.ts";
import { builtOnce, type Given, givenRow, type WholeRow } from "../db/built-once.ts";
import type { Queries } from "../db/database.ts";
import { unsynced } from "../db/unsynced.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { oneAfterAnother } from "../one-after-another.ts";
import { idempotencyKeys } from "./tables.ts";

/** Keys are kept for a day. */
const KEPT_MS = DAY_MS;
/**
 * A run is one transaction of some milliseconds. One that has not ended after this time has most likely died with its
 * process, and the key may be used again; if it lives all the same, its end finds the key taken and undoes everything.
 */
const RUNNING_MS_MAX = 15 * SECOND_MS;

/** 1 to 128 visible ASCII characters. */
export const IDEMPOTENCY_KEY_PATTERN = "^[\\x21-\\x7e]{1,128}$";

export interface IdempotencyNeeds<Self> {
  db: Queries;
  clock: Clock;
  transaction<T>(work: (inner: Self) => Promise<T>): Promise<T>;
}

export interface IdempotentRequest {
  userId: string;
  /** The client's key; without one the work is simply done. */
  key: string | undefined;
  /** Method and path, so that one key cannot answer for another route. */
  route: string;
  body: unknown;
}

export interface IdempotentAnswer<Answer> {
  answer: Answer;
  status: number;
  replayed: boolean;
}

/**
 * Does `work` at most once for a person's key. Its effect and the stored answer commit in one transaction, so there is no
 * crash after which the effect is there and the key forgotten. The same key and request get the first answer again; the
 * same key with another request is `idempotency_key_reused`; one that still runs is `request_in_progress`. A refusal
 * stores nothing: after topping up, the same tap may simply come again.
 */
export async function once<Self extends IdempotencyNeeds<Self>, Answer>(
  ctx: Self,
  request: IdempotentRequest,
  work: (tx: Self) => Promise<{ answer: Answer; status: number }>,
): Promise<IdempotentAnswer<Answer>> {
  const { key, userId } = request;
  const inTurn = <T>(change: (tx: Self) => Promise<T>) => oneAfterAnother(userId, () => ctx.transaction(change));
  if (key === undefined) return { ...(await inTurn(work)), replayed: false };
  const run = newId();
  const now = ctx.clock.now();
  const requestHash = hashOf(request);
  const free = { userId, key, requestHash, state: "running" as const, run, createdAt: now, updatedAt: now };
  // Nearly always the key is new: then this statement is all, with no transaction around it.
  const taken = await takeKey(ctx.db, { ...free, status: null, answer: null });
  const earlier = taken.length > 0 ? null : await begin(ctx, { userId, key, requestHash, run });
  if (earlier) return earlier as IdempotentAnswer<Answer>;
  const ours = and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key), eq(idempotencyKeys.run, run));
  try {
    return await inTurn(async (tx) => {
      const { answer, status } = await work(tx);
      const stored = await keepAnswer(tx.db, { userId, key, run, status, answer, now: tx.clock.now() });
      // Another run took the key over because this one seemed dead: exactly one of the two may commit.
      if (stored.length === 0) throw new Refusal("request_in_progress", { retry_after: 1 });
      return { answer, status, replayed: false };
    });
  } catch (error) {
    await ctx.db.delete(idempotencyKeys).where(and(ours, eq(idempotencyKeys.state, "running")));
    throw error;
  }
}

/**
 * Writes the key's row, unless there is one. It does not wait for the disk: a crash that undoes it has undone the run as well,
 * whose own commit comes later, is synced, and this with it.
 */
const takeKey = builtOnce((db, _: Given<WholeRow<typeof idempotencyKeys>>) =>
  db
    .insert(idempotencyKeys)
    .values(givenRow(idempotencyKeys))
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key, unsynced }),
);

interface Ended {
  userId: string;
  key: string;
  run: string;
  status: number;
  answer: unknown;
  now: Date;
}

const keepAnswer = builtOnce((db, given: Given<Ended>) =>
  db
    .update(idempotencyKeys)
    .set({
      state: "done",
      status: given("status", idempotencyKeys.status),
      answer: given("answer", idempotencyKeys.answer),
      updatedAt: given("now", idempotencyKeys.updatedAt),
    })
    .where(
      and(
        eq(idempotencyKeys.userId, given("userId", idempotencyKeys.userId)),
        eq(idempotencyKeys.key, given("key", idempotencyKeys.key)),
        eq(idempotencyKeys.run, given("run", idempotencyKeys.run)),
      ),
    )
    .returning({ key: idempotencyKeys.key }),
);

/** Takes a key that was there for this run; returns the earlier answer when there is one. */
async function begin<Self extends IdempotencyNeeds<Self>>(
  ctx: Self,
  { userId, key, requestHash, run }: { userId: string; key: string; requestHash: string; run: string },
): Promise<IdempotentAnswer<unknown> | null> {
  return ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const inserted = await takeKey(tx.db, {
      ...{ userId, key, requestHash, state: "running", run, createdAt: now, updatedAt: now },
      ...{ status: null, answer: null },
    });
    // Whoever had it has given it up in between.
    if (inserted.length > 0) return null;
    const mine = and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key));
    const [row] = await tx.db.select().from(idempotencyKeys).where(mine);
    const isOver = !row || after(row.createdAt, KEPT_MS) <= now;
    if (!isOver) {
      if (row.requestHash !== requestHash) throw new Refusal("idempotency_key_reused");
      if (row.state === "done") return { answer: row.answer, status: row.status ?? 200, replayed: true };
      if (after(row.updatedAt, RUNNING_MS_MAX) > now) throw new Refusal("request_in_progress", { retry_after: 1 });
    }
    const taken = await tx.db
      .update(idempotencyKeys)
      .set({ requestHash, state: "running", run, status: null, answer: null, createdAt: now, updatedAt: now })
      .where(and(mine, row ? eq(idempotencyKeys.run, row.run) : undefined))
      .returning({ key: idempotencyKeys.key });
    if (taken.length === 0) throw new Refusal("request_in_progress", { retry_after: 1 });
    return null;
  });
}

/** Removes keys past their day; returns how many. */
export async function forgetOldKeys(needs: { db: Queries; clock: Clock }): Promise<number> {
  const removed = await needs.db
    .delete(idempotencyKeys)
    .where(lt(idempotencyKeys.createdAt, after(needs.clock.now(), -KEPT_MS)))
    .returning({ key: idempotencyKeys.key });
  return removed.length;
}

function hashOf(request: IdempotentRequest): string {
  return createHash("sha256")
    .update(`${request.route}\n${canonical(request.body)}`)
    .digest("hex");
}

/** JSON with sorted members, so that the order in which a client writes them does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}
