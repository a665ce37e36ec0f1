import { createHash } from "node:crypto";
import { and, desc, eq, gt, isNull, lt, ne, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { hotStatement } from "../../platform/db/hot-statement.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId, randomToken } from "../../platform/ids.ts";
import { type User, users } from "../profile/index.ts";
import { initDataUses, operatorLinks, refreshTokens, sessions } from "./tables.ts";

/** A sign-in lives for 30 days after it was last refreshed. */
export const REFRESH_TOKEN_DAYS = 30;
const REFRESH_TOKEN_BYTES = 32;
/** A phone changes between Wi-Fi and mobile networks; the same sign-in data from more places than this is a copy. */
export const INIT_DATA_ADDRESSES_MAX = 3;

export interface OpenedSession {
  sessionId: string;
  userId: string;
  refreshToken: string;
}

/** Begins a session for a person and returns its first refresh token, which is stored only as a hash. */
export async function openSession(ctx: Context, userId: string): Promise<OpenedSession> {
  const sessionId = newId();
  const refreshToken = randomToken(REFRESH_TOKEN_BYTES);
  await ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const expiresAt = after(now, REFRESH_TOKEN_DAYS * DAY_MS);
    await tx.db.insert(sessions).values({ id: sessionId, userId, createdAt: now, expiresAt });
    await tx.db.insert(refreshTokens).values({ hash: hashOf(refreshToken), sessionId, used: false, createdAt: now });
  });
  return { sessionId, userId, refreshToken };
}

/**
 * Exchanges a refresh token for a new one. A token that was exchanged before is in two hands: its whole session ends, and
 * both have to sign in again. Everything that is not a live token of ours is `unauthenticated`.
 */
export async function rotateSession(ctx: Context, refreshToken: string): Promise<OpenedSession> {
  const rotated = await ctx.transaction(async (tx) => {
    const hash = hashOf(refreshToken);
    const now = tx.clock.now();
    const [found] = await tx.db
      .update(refreshTokens)
      .set({ used: true })
      .where(and(eq(refreshTokens.hash, hash), eq(refreshTokens.used, false)))
      .returning();
    if (!found) {
      await endSessionOfStolenToken(tx, hash);
      return null;
    }
    const [session] = await tx.db
      .update(sessions)
      .set({ expiresAt: after(now, REFRESH_TOKEN_DAYS * DAY_MS) })
      .where(and(eq(sessions.id, found.sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, now)))
      .returning();
    if (!session) return null;
    const next = randomToken(REFRESH_TOKEN_BYTES);
    await tx.db
      .insert(refreshTokens)
      .values({ hash: hashOf(next), sessionId: session.id, used: false, createdAt: now });
    return { sessionId: session.id, userId: session.userId, refreshToken: next };
  });
  // Thrown after the commit: the end of a stolen session must not be undone with it.
  if (!rotated) throw new Refusal("unauthenticated");
  return rotated;
}

async function endSessionOfStolenToken(tx: Context, hash: string): Promise<void> {
  const [stolen] = await tx.db.select().from(refreshTokens).where(eq(refreshTokens.hash, hash));
  if (!stolen) return;
  tx.log.warn("a refresh token was used twice; its session ends", { session: stolen.sessionId });
  await revoke(tx, eq(sessions.id, stolen.sessionId), "refresh_token_reused");
}

/** Ends one session, or all sessions of its person. */
export async function endSession(
  ctx: Context,
  who: { userId: string; sessionId: string },
  everywhere: boolean,
): Promise<void> {
  await revoke(ctx, everywhere ? eq(sessions.userId, who.userId) : eq(sessions.id, who.sessionId), "logout");
}

async function revoke(ctx: Pick<Context, "db" | "clock">, which: ReturnType<typeof eq>, reason: string): Promise<void> {
  await ctx.db
    .update(sessions)
    .set({ revokedAt: ctx.clock.now(), revokeReason: reason })
    .where(and(which, isNull(sessions.revokedAt)));
}

/**
 * What is read of a person at each signed-in request: what decides about it, and what the most frequent answers are made
 * of. Names and the like are read by the few who show them.
 */
export const PERSON_COLUMNS = {
  id: users.id,
  telegramId: users.telegramId,
  language: users.language,
  bannedAt: users.bannedAt,
  balanceCredits: users.balanceCredits,
  reservedCredits: users.reservedCredits,
  subscriptionType: users.subscriptionType,
  subscriptionEnd: users.subscriptionEnd,
  freemiumMonth: users.freemiumMonth,
  freemiumActionsUsed: users.freemiumActionsUsed,
};

/** Whom a session opens the API to. */
export type SignedInPerson = Pick<User, keyof typeof PERSON_COLUMNS>;

/**
 * The session is asked for inside of the person's condition: as a join, bun:sqlite (1.4.5) takes 9 us for the same reads
 * instead of 3. Postgres takes the same time for both.
 */
const personQuery = hotStatement(PERSON_COLUMNS, (db, columns) => {
  const liveSession = db
    .select({ userId: sessions.userId })
    .from(sessions)
    .where(
      and(
        eq(sessions.id, sql.param(sql.placeholder("sessionId"), sessions.id)),
        eq(sessions.userId, sql.param(sql.placeholder("userId"), sessions.userId)),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, sql.param(sql.placeholder("now"), sessions.expiresAt)),
      ),
    );
  return db
    .select(columns)
    .from(users)
    .where(and(eq(users.id, sql`${liveSession}`), isNull(users.erasedAt)));
});

/** The person of a live session, or null when it was ended, has expired or belongs to somebody else. */
export async function personOfSession(
  { db, clock }: Pick<Context, "db" | "clock">,
  claims: { userId: string; sessionId: string },
): Promise<SignedInPerson | null> {
  const [person] = await personQuery(db, { ...claims, now: clock.now() });
  return person ?? null;
}

/**
 * Counts from where a piece of sign-in data is used. Throws `rate_limited` when it comes from too many places. `hash` is
 * stored hashed again, so that the table holds nothing one could sign in with.
 */
export async function limitInitDataUse(ctx: Context, hash: string, address: string): Promise<void> {
  const stored = hashOf(hash);
  await ctx.transaction(async (tx) => {
    // The row of no address is the lock: without it, uses from several places at once would not see each other.
    await countInitDataUse(tx, stored, NO_ADDRESS);
    await countInitDataUse(tx, stored, hashOf(address));
    const [row] = await tx.db
      .select({ count: sql`count(*)`.mapWith(Number) })
      .from(initDataUses)
      .where(and(eq(initDataUses.hash, stored), ne(initDataUses.address, NO_ADDRESS)));
    // Thrown inside, so that a refused place is not remembered and the person's own places keep working.
    if ((row?.count ?? 0) > INIT_DATA_ADDRESSES_MAX) throw new Refusal("rate_limited", { retry_after: 3600 });
  });
}

/** A person's sessions that still open something, the latest first. */
export async function liveSessions(ctx: Pick<Context, "db" | "clock">, userId: string) {
  return ctx.db
    .select({ id: sessions.id, createdAt: sessions.createdAt, expiresAt: sessions.expiresAt })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt), gt(sessions.expiresAt, ctx.clock.now())))
    .orderBy(desc(sessions.id));
}

const NO_ADDRESS = "";

async function countInitDataUse(tx: Pick<Context, "db" | "clock">, hash: string, address: string): Promise<void> {
  await tx.db
    .insert(initDataUses)
    .values({ hash, address, uses: 1, firstAt: tx.clock.now() })
    .onConflictDoUpdate({
      target: [initDataUses.hash, initDataUses.address],
      set: { uses: sql`${initDataUses.uses} + 1` },
    });
}

/** Removes sessions that ended or expired more than a week ago, with their tokens, old sign-in data and operators' links. */
export async function forgetOldSessions(ctx: Context): Promise<number> {
  const now = ctx.clock.now();
  const cutoff = after(now, -7 * DAY_MS);
  return ctx.transaction(async (tx) => {
    const old = sql`${sessions.expiresAt} < ${sql.param(cutoff, sessions.expiresAt)} or ${sessions.revokedAt} < ${sql.param(cutoff, sessions.expiresAt)}`;
    await tx.db
      .delete(refreshTokens)
      .where(sql`${refreshTokens.sessionId} in (select ${sessions.id} from ${sessions} where ${old})`);
    const removed = await tx.db.delete(sessions).where(old).returning({ id: sessions.id });
    const ageMaxMs = tx.settings.INIT_DATA_AGE_HOURS_MAX * 60 * 60_000 + DAY_MS;
    await tx.db.delete(initDataUses).where(lt(initDataUses.firstAt, after(now, -ageMaxMs)));
    await tx.db.delete(operatorLinks).where(lt(operatorLinks.expiresAt, now));
    return removed.length;
  });
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
