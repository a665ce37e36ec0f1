import { createHash } from "node:crypto";
import { and, asc, eq, gt, inArray } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, MINUTE_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { randomToken } from "../../platform/ids.ts";
import { type Act, recordChange } from "../audit/index.ts";
import { findUser, type User, users } from "../profile/index.ts";
import { type OpenedSession, openSession } from "./sessions.ts";
import { OPERATOR_ROLES, type OperatorRole, operatorLinks, operators } from "./tables.ts";

/** How long a link to the panel is good for. */
export const OPERATOR_LINK_MINUTES = 10;
const LINK_BYTES = 32;

type Asked = Pick<User, "id" | "telegramId">;

/**
 * What a person may do in the owner's panel; null for everybody else. Read from the settings and the table at each
 * request, so that who loses a role has lost it. Whom `ADMIN_TELEGRAM_IDS` names is an owner whatever the table says.
 */
export async function roleOf(ctx: Pick<Context, "db" | "settings">, person: Asked): Promise<OperatorRole | null> {
  if (ctx.settings.ADMIN_TELEGRAM_IDS.includes(String(person.telegramId))) return "owner";
  const [row] = await ctx.db.select().from(operators).where(eq(operators.userId, person.id));
  return row?.role ?? null;
}

/** Whether a role may do what asks for another one at least. */
export function mayAct(role: OperatorRole, least: OperatorRole): boolean {
  return OPERATOR_ROLES.indexOf(role) >= OPERATOR_ROLES.indexOf(least);
}

/** Gives a person a role in the panel, another one, or takes it away. Returns what they were. */
export async function setRole(
  ctx: Context,
  change: Act & { userId: string; role: OperatorRole | null },
): Promise<OperatorRole | null> {
  const { userId, role } = change;
  return ctx.transaction(async (tx) => {
    const [earlier] = await tx.db.delete(operators).where(eq(operators.userId, userId)).returning();
    const now = tx.clock.now();
    if (role !== null) await tx.db.insert(operators).values({ userId, role, createdAt: earlier?.createdAt ?? now });
    // A link that was made for the role ends with it.
    await tx.db.delete(operatorLinks).where(eq(operatorLinks.userId, userId));
    await recordChange(tx, {
      operatorId: change.operatorId,
      reason: change.reason,
      action: "operator.role",
      subject: "person",
      subjectId: userId,
      personId: userId,
      before: { role: earlier?.role ?? null },
      after: { role },
    });
    return earlier?.role ?? null;
  });
}

/** Everybody who may open the panel, owners by setting included where they have signed in once. */
export async function listOperators(
  ctx: Pick<Context, "db" | "settings">,
): Promise<{ user: User; role: OperatorRole }[]> {
  const given = await ctx.db
    .select({ user: users, role: operators.role })
    .from(operators)
    .innerJoin(users, eq(users.id, operators.userId))
    .orderBy(asc(users.id));
  const ids = ctx.settings.ADMIN_TELEGRAM_IDS.map(Number);
  const owners =
    ids.length === 0
      ? []
      : await ctx.db.select().from(users).where(inArray(users.telegramId, ids)).orderBy(asc(users.id));
  const byId = new Map(given.map((one) => [one.user.id, one]));
  for (const user of owners) byId.set(user.id, { user, role: "owner" });
  return [...byId.values()];
}

/** Makes a link's token for an operator at a desk, and returns it; only its hash is kept, and the one before it ends. */
export async function makeOperatorLink(ctx: Context, act: Act & { userId: string }): Promise<string> {
  const token = randomToken(LINK_BYTES);
  await ctx.transaction(async (tx) => {
    const now = tx.clock.now();
    await tx.db.delete(operatorLinks).where(eq(operatorLinks.userId, act.userId));
    await tx.db.insert(operatorLinks).values({
      hash: hashOf(token),
      userId: act.userId,
      expiresAt: after(now, OPERATOR_LINK_MINUTES * MINUTE_MS),
      createdAt: now,
    });
    await recordChange(tx, {
      operatorId: act.operatorId,
      reason: act.reason,
      action: "operator.link",
      subject: "person",
      subjectId: act.userId,
      personId: act.userId,
    });
  });
  return token;
}

/**
 * Opens a session for whoever holds an operator's link, and uses the link up. `unauthenticated` for a link that is unknown,
 * used or too old, and for one whose operator is none any more.
 */
export async function signInByLink(ctx: Context, token: string): Promise<{ session: OpenedSession; user: User }> {
  const opened = await ctx.transaction(async (tx) => {
    const [link] = await tx.db
      .delete(operatorLinks)
      .where(and(eq(operatorLinks.hash, hashOf(token)), gt(operatorLinks.expiresAt, tx.clock.now())))
      .returning();
    const user = link ? await findUser(tx, link.userId) : null;
    if (!user || user.bannedAt !== null || user.erasedAt !== null || (await roleOf(tx, user)) === null) return null;
    const session = await openSession(tx, user.id);
    await recordChange(tx, {
      operatorId: user.id,
      reason: "by a one-time link",
      action: "operator.sign_in",
      subject: "person",
      subjectId: user.id,
      personId: user.id,
    });
    return { session, user };
  });
  // Thrown after the commit: a link that was tried is used up, whoever tried it.
  if (opened === null) throw new Refusal("unauthenticated");
  return opened;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
