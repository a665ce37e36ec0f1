import { and, eq, ne, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { builtOnce, type Given } from "../../platform/db/built-once.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { moscowMonth } from "../../platform/moscow.ts";
import { anonymousTelegramId, departureOf } from "./departures.ts";
import { searchKeys } from "./search-keys.ts";
import { type Language, users, type WriteState } from "./tables.ts";

export type User = typeof users.$inferSelect;

/** What Telegram says of a person at sign-in. */
export interface TelegramPerson {
  telegramId: number;
  firstName: string;
  lastName?: string | undefined;
  username?: string | undefined;
  languageCode?: string | undefined;
  allowsWriteToPm?: boolean | undefined;
}

/**
 * The person with this Telegram id, made now if there was none. Two first sign-ins at once make one person: the second
 * insert meets the unique key and reads the row of the first. `isNew` is true for the one that made it, unless it is
 * somebody who erased themselves lately: they are a new person, yet nobody has brought them here.
 */
export async function findOrCreateUser(ctx: Context, person: TelegramPerson): Promise<{ user: User; isNew: boolean }> {
  return ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    const inserted = await tx.db
      .insert(users)
      .values({
        id: newId(),
        telegramId: person.telegramId,
        firstName: person.firstName,
        lastName: person.lastName ?? null,
        username: person.username ?? null,
        ...searchKeys(person),
        language: languageFrom(person.languageCode),
        writeState: person.allowsWriteToPm ? "enabled" : "unknown",
        notifyResults: true,
        notifyNews: true,
        balanceCredits: 0,
        reservedCredits: 0,
        freemiumMonth: moscowMonth(now),
        freemiumActionsUsed: 0,
        assistantTokens: 0,
        createdAt: now,
        updatedAt: now,
      })
      .onConflictDoNothing()
      .returning();
    if (inserted[0]) return welcome(tx, inserted[0]);
    const updated = await tx.db
      .update(users)
      .set({
        firstName: person.firstName,
        lastName: person.lastName ?? null,
        username: person.username ?? null,
        ...searchKeys(person),
        // Whoever opens the app again may have let the bot in again too: it is tried once more.
        writeState: person.allowsWriteToPm
          ? "enabled"
          : sql`case when ${users.writeState} in ('blocked', 'needs_start') then 'unknown' else ${users.writeState} end`,
        updatedAt: now,
      })
      .where(eq(users.telegramId, person.telegramId))
      .returning();
    if (!updated[0]) throw new Error("a person vanished between two statements of one transaction");
    return { user: updated[0], isNew: false };
  });
}

/** A new person, with what is remembered where they are not as new as they seem. */
async function welcome(tx: Context, user: User): Promise<{ user: User; isNew: boolean }> {
  const departure = await departureOf(tx, user.telegramId);
  if (!departure) return { user, isNew: true };
  const carried = departure.freeMonth === user.freemiumMonth ? departure.freeActionsUsed : 0;
  const [returned] = await tx.db
    .update(users)
    .set({ freemiumActionsUsed: carried, carriedFreeActions: carried, bannedAt: departure.bannedAt })
    .where(eq(users.id, user.id))
    .returning();
  if (!returned) throw new Error("a person vanished between two statements of one transaction");
  return { user: returned, isNew: false };
}

/**
 * Makes the row an anonymous stub that payments and the credit journal go on referring to. The numbers of the ledger stay
 * as they are.
 */
export async function anonymiseUser(tx: Pick<Context, "db" | "clock">, userId: string): Promise<void> {
  const now = tx.clock.now();
  await tx.db
    .update(users)
    .set({
      telegramId: anonymousTelegramId(),
      firstName: "",
      lastName: null,
      username: null,
      nameKey: null,
      usernameKey: null,
      language: languageFrom(undefined),
      writeState: "unknown",
      notifyResults: false,
      notifyNews: false,
      subscriptionType: null,
      subscriptionEnd: null,
      assistantTokens: 0,
      bannedAt: null,
      banReason: null,
      erasedAt: sql`coalesce(${users.erasedAt}, ${sql.param(now, users.erasedAt)})`,
      updatedAt: now,
    })
    .where(eq(users.id, userId));
}

/** Blocks a person, or lets them in again where `reason` is null. Ending their sessions is another step. */
export async function banUser(tx: Pick<Context, "db" | "clock">, userId: string, reason: string | null): Promise<void> {
  const now = tx.clock.now();
  await tx.db
    .update(users)
    .set({ bannedAt: reason === null ? null : now, banReason: reason, updatedAt: now })
    .where(eq(users.id, userId));
}

/** Nothing begins for somebody who erased themselves while their request was under way. */
export function refuseErased(user: Pick<User, "erasedAt">): void {
  if (user.erasedAt !== null) throw new Refusal("unauthenticated");
}

/** The person with this Telegram id, or null. */
export async function findByTelegramId(ctx: Pick<Context, "db">, telegramId: number): Promise<User | null> {
  const rows = await ctx.db.select().from(users).where(eq(users.telegramId, telegramId));
  return rows[0] ?? null;
}

/** The person with this id, or null. */
export async function findUser(ctx: Pick<Context, "db">, userId: string): Promise<User | null> {
  const rows = await ctx.db.select().from(users).where(eq(users.id, userId));
  return rows[0] ?? null;
}

/** The whole row of somebody who was just let in; `unauthenticated` for one who has erased themselves since. */
export async function rowOf(ctx: Pick<Context, "db">, person: Pick<User, "id">): Promise<User> {
  const user = await findUser(ctx, person.id);
  if (user === null || user.erasedAt !== null) throw new Refusal("unauthenticated");
  return user;
}

/** Writes down whether the bot may write to whoever has this Telegram id; nothing for somebody who never signed in. */
export async function setWriteState(
  tx: Pick<Context, "db" | "clock">,
  telegramId: number,
  writeState: WriteState,
): Promise<void> {
  await tx.db
    .update(users)
    .set({ writeState, updatedAt: tx.clock.now() })
    .where(and(eq(users.telegramId, telegramId), ne(users.writeState, writeState)));
}

/** What people may change of themselves; what is left out stays. */
export interface Preferences {
  language?: Language | undefined;
  notifyResults?: boolean | undefined;
  notifyNews?: boolean | undefined;
}

/** Changes the person's language and switches. Throws the refusal `not_found`. */
export async function changePreferences(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  change: Preferences,
): Promise<User> {
  const [user] = await ctx.db
    .update(users)
    .set({ ...change, updatedAt: ctx.clock.now() })
    .where(eq(users.id, userId))
    .returning();
  if (!user) throw new Refusal("not_found");
  return user;
}

/**
 * Locks the person's row until the end of the transaction (an update does so on both databases) and returns it, so that
 * what is then read about the person stays true. Throws the refusal `not_found`.
 */
export async function lockUser(tx: Pick<Context, "db" | "clock">, userId: string): Promise<User> {
  const [user] = await lockRow(tx.db, { userId, now: tx.clock.now() });
  if (!user) throw new Refusal("not_found");
  return user;
}

const lockRow = builtOnce((db, given: Given<{ userId: string; now: Date }>) =>
  db
    .update(users)
    .set({ updatedAt: given("now", users.updatedAt) })
    .where(eq(users.id, given("userId", users.id)))
    .returning(),
);

/** Counts tokens that the assistant used for a person. */
export async function countAssistantTokens(tx: Pick<Context, "db">, userId: string, tokens: number): Promise<void> {
  await tx.db
    .update(users)
    .set({ assistantTokens: sql`${users.assistantTokens} + ${tokens}` })
    .where(eq(users.id, userId));
}

/** Writes which subscription the person has, for everything that only asks that. Billing decides it. */
export async function showSubscription(
  tx: Pick<Context, "db" | "clock">,
  userId: string,
  subscription: { type: NonNullable<User["subscriptionType"]>; endsAt: Date } | null,
): Promise<void> {
  await tx.db
    .update(users)
    .set({
      subscriptionType: subscription?.type ?? null,
      subscriptionEnd: subscription?.endsAt ?? null,
      updatedAt: tx.clock.now(),
    })
    .where(eq(users.id, userId));
}

/** The next people in the order of their ids, for work that walks all of them in pages. */
export async function usersAfter(ctx: Pick<Context, "db">, lastId: string | null, limit: number): Promise<User[]> {
  const query = ctx.db.select().from(users).$dynamic();
  return (lastId === null ? query : query.where(sql`${users.id} > ${lastId}`)).orderBy(users.id).limit(limit);
}

/** Russian for Russian clients and for those of neighbours that mostly read it; English for everybody else. */
export function languageFrom(code: string | undefined): Language {
  return /^(ru|be|uk|kk|ky|uz|tg|hy)\b/i.test(code ?? "ru") ? "ru" : "en";
}
