import { and, desc, eq, isNull, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import { liveSessions, roleOf } from "../../auth/index.ts";
import { balanceOf, creditEntries, creditGrants, creditHolds, subscriptions } from "../../billing/index.ts";
import { findUser, type User } from "../../profile/index.ts";
import { referrals } from "../../referrals/index.ts";
import { personRow } from "./people.ts";

const GRANTS_SHOWN = 20;
const HOLDS_SHOWN = 50;

type Reads = Pick<Context, "db">;

/** The person with this id, erased ones included. Throws the refusal `not_found`. */
export async function anyPerson(ctx: Reads, userId: string): Promise<User> {
  const person = isId(userId) ? await findUser(ctx, userId) : null;
  if (!person) throw new Refusal("not_found");
  return person;
}

/** The person with this id, for what can be done to people who are here. Throws the refusal `not_found`. */
export async function presentPerson(ctx: Reads, userId: string): Promise<User> {
  const person = await anyPerson(ctx, userId);
  if (person.erasedAt !== null) throw new Refusal("not_found");
  return person;
}

/** Everything about a person that fits on a page; what they wrote and their pictures are nobody's business. */
export async function personCard(ctx: Pick<Context, "db" | "clock" | "settings">, userId: string) {
  const person = await anyPerson(ctx, userId);
  const balance = await balanceOf(ctx, person);
  const subscription = await runningSubscription(ctx, person.id);
  return {
    person: personRow(person),
    role: person.erasedAt === null ? await roleOf(ctx, person) : null,
    ban_reason: person.banReason,
    write_state: person.writeState,
    notifications: { results: person.notifyResults, news: person.notifyNews },
    free_actions: balance.free_actions,
    next_expiry: balance.next_expiry,
    assistant_tokens: person.assistantTokens,
    holds: await openHolds(ctx, person.id),
    grants: await lastGrants(ctx, person.id),
    subscription: subscription && {
      id: subscription.id,
      type: subscription.type,
      state: subscription.state,
      amount_kopecks: subscription.amountKopecks,
      credits: subscription.credits,
      ends_at: subscription.endsAt.toISOString(),
      auto_renew: subscription.autoRenew,
      failed_tries: subscription.failedTries,
      next_try_at: subscription.nextTryAt?.toISOString() ?? null,
    },
    sessions: (await liveSessions(ctx, person.id)).map((session) => ({
      id: session.id,
      created_at: session.createdAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
    })),
    invited: await invitedBy(ctx, person.id),
  };
}

async function runningSubscription(ctx: Reads, userId: string) {
  const [running] = await ctx.db
    .select()
    .from(subscriptions)
    .where(and(eq(subscriptions.userId, userId), isNull(subscriptions.endedAt)));
  return running ?? null;
}

/** What is held for a person now, the newest first. */
export async function openHolds(ctx: Reads, userId: string) {
  const rows = await ctx.db
    .select()
    .from(creditHolds)
    .where(and(eq(creditHolds.userId, userId), sql`${creditHolds.state} = 'held'`))
    .orderBy(desc(creditHolds.id))
    .limit(HOLDS_SHOWN);
  return rows.map((row) => ({
    id: row.id,
    operation: row.operation,
    action: row.action,
    credits: row.credits,
    free_action: row.freeMonth !== null,
    created_at: row.createdAt.toISOString(),
  }));
}

/** The last credits that a person got, the newest first. */
export async function lastGrants(ctx: Reads, userId: string) {
  const rows = await ctx.db
    .select()
    .from(creditGrants)
    .where(eq(creditGrants.userId, userId))
    .orderBy(desc(creditGrants.id))
    .limit(GRANTS_SHOWN);
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    source: row.source,
    credits: row.credits,
    credits_left: row.creditsLeft,
    expires_at: row.expiresAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
  }));
}

async function invitedBy(ctx: Reads, userId: string): Promise<{ people: number; credits: number }> {
  const [sums] = await ctx.db
    .select({
      people: sql`count(*)`.mapWith(Number),
      credits: sql`coalesce(sum(${referrals.creditsAwarded} - ${referrals.creditsReversed}), 0)`.mapWith(Number),
    })
    .from(referrals)
    .where(eq(referrals.referrerId, userId));
  return { people: sums?.people ?? 0, credits: sums?.credits ?? 0 };
}

/** The person's credit journal with what caused each line, newest first. */
export async function personEntries(ctx: Reads, userId: string, page: { before: string | null; limit: number }) {
  const person = await anyPerson(ctx, userId);
  const rows = await ctx.db
    .select()
    .from(creditEntries)
    .where(
      and(eq(creditEntries.userId, person.id), page.before === null ? undefined : lt(creditEntries.id, page.before)),
    )
    .orderBy(desc(creditEntries.id))
    .limit(page.limit);
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    action: row.action,
    cause: row.cause,
    credits: row.balanceDelta,
    reserved: row.reservedDelta,
    free_action: row.freeActionDelta,
    hold_id: row.holdId,
    created_at: row.createdAt.toISOString(),
  }));
}
