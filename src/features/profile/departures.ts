import { createHmac, randomInt } from "node:crypto";
import { and, gt, inArray, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import { moscowMonth } from "../../platform/moscow.ts";
import { departures, type users } from "./tables.ts";

type Needs = Pick<Context, "db" | "clock" | "settings">;
export type Departure = typeof departures.$inferSelect;

/** The longest month: free actions of the month that somebody left in cannot be had again in it. */
const REMEMBERED_MS = 31 * DAY_MS;
/** A ban must not end by erasing oneself; a year is remembered, and no more. */
const BAN_REMEMBERED_MS = 365 * DAY_MS;
/** Keeps these hashes apart from any other use of the same secret. */
const HASH_CONTEXT = "atelier departure 1\n";

/**
 * Remembers that this person left, in a way that only the same Telegram id and our secret find again. Must be called
 * with the counts as they will stay. Throws an `OperatorError` where no secret is set.
 */
export async function rememberDeparture(tx: Needs, user: typeof users.$inferSelect): Promise<void> {
  const now = tx.clock.now();
  const month = moscowMonth(now);
  const [hash] = hashesOf(tx, user.telegramId);
  if (hash === undefined) {
    throw new OperatorError(
      "LINK_SECRET is not set here. It is the key under which it is remembered that somebody left; run this with the server's settings.",
    );
  }
  const row = {
    hash,
    freeMonth: month,
    freeActionsUsed: user.freemiumMonth === month ? user.freemiumActionsUsed : 0,
    bannedAt: user.bannedAt,
    expiresAt: after(now, user.bannedAt === null ? REMEMBERED_MS : BAN_REMEMBERED_MS),
  };
  await tx.db.insert(departures).values(row).onConflictDoUpdate({ target: departures.hash, set: row });
}

/** What is remembered of somebody with this Telegram id who left lately; null for everybody else. */
export async function departureOf(tx: Needs, telegramId: number): Promise<Departure | null> {
  const hashes = hashesOf(tx, telegramId);
  if (hashes.length === 0) return null;
  const [row] = await tx.db
    .select()
    .from(departures)
    .where(and(inArray(departures.hash, hashes), gt(departures.expiresAt, tx.clock.now())))
    .orderBy(sql`${departures.expiresAt} desc`, departures.hash)
    .limit(1);
  return row ?? null;
}

/** Forgets those who left long enough ago; returns how many. */
export async function forgetOldDepartures(ctx: Pick<Context, "db" | "clock">): Promise<number> {
  const removed = await ctx.db
    .delete(departures)
    .where(lt(departures.expiresAt, ctx.clock.now()))
    .returning({ hash: departures.hash });
  return removed.length;
}

/**
 * A number for the column of a person who left: unique, and beyond everything that Telegram gives out, so that no message
 * can ever reach a stranger by it. Telegram's ids have at most 52 bits; its groups' are negative and far smaller.
 */
export function anonymousTelegramId(): number {
  const low = randomInt(2 ** 26);
  const high = randomInt(2 ** 26);
  return -(2 ** 52 + high * 2 ** 26 + low);
}

/** The first is under the secret in force, the others under those that are being replaced. */
function hashesOf(ctx: Pick<Context, "settings">, telegramId: number): string[] {
  return ctx.settings.LINK_SECRET.map((secret) =>
    createHmac("sha256", secret).update(`${HASH_CONTEXT}${telegramId}`).digest("base64url"),
  );
}
