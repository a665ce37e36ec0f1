import { and, type Column, eq, gte, isNotNull, lte, ne, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { MINUTE_MS } from "../../../platform/clock.ts";
import { withPatience } from "../../../platform/db/patience.ts";
import { type User, users, usersAfter } from "../../profile/index.ts";
import { creditEntries, creditGrants, creditHoldParts, creditHolds } from "../tables.ts";
import { carriedInto } from "./free-actions.ts";

/** One number of a person that is not what the journal says. */
export interface LedgerDifference {
  user_id: string;
  telegram_id: number;
  what: string;
  expected: number;
  found: number;
}

export interface LedgerReport {
  people: number;
  differences: LedgerDifference[];
}

/** The whole journal of a page's people is summed up. */
const STATEMENT_MS_MAX = 2 * MINUTE_MS;
/** People compared in one go. */
const PAGE_SIZE = 500;

/**
 * Recomputes every person's numbers from entries, grants and holds. Pages are read while the product works, so a
 * difference counts only if it is still there when looked at again with the person's row locked.
 */
export function verifyLedger(ctx: Context): Promise<LedgerReport> {
  return withPatience(STATEMENT_MS_MAX, () => verifyAll(ctx));
}

async function verifyAll(ctx: Context): Promise<LedgerReport> {
  const report: LedgerReport = { people: 0, differences: [] };
  let lastId: string | null = null;
  for (;;) {
    const page: User[] = await usersAfter(ctx, lastId, PAGE_SIZE);
    if (page.length === 0) return report;
    const suspects = await differencesOf(ctx, page);
    for (const userId of new Set(suspects.map((difference) => difference.user_id))) {
      report.differences.push(...(await recheck(ctx, userId)));
    }
    report.people += page.length;
    lastId = page.at(-1)?.id ?? null;
  }
}

async function recheck(ctx: Context, userId: string): Promise<LedgerDifference[]> {
  return ctx.transaction(async (tx) => {
    // Writing the row is the lock that every movement of credits takes first.
    const locked = await tx.db.update(users).set({ updatedAt: tx.clock.now() }).where(eq(users.id, userId)).returning();
    return differencesOf(tx, locked);
  });
}

type Sums = ReadonlyMap<string, Record<string, number>>;

async function differencesOf(ctx: Pick<Context, "db">, page: readonly User[]): Promise<LedgerDifference[]> {
  const [entries, grants, holds, parts, unequalGrants] = await Promise.all([
    entrySums(ctx, page),
    grantSums(ctx, page),
    holdSums(ctx, page),
    partSums(ctx, page),
    grantsThatDoNotAddUp(ctx, page),
  ]);
  const differences: LedgerDifference[] = [];
  for (const user of page) {
    const value = (sums: Sums, name: string) => sums.get(user.id)?.[name] ?? 0;
    const compare = (what: string, expected: number, found: number) => {
      if (expected !== found) {
        differences.push({ user_id: user.id, telegram_id: user.telegramId, what, expected, found });
      }
    };
    compare("balance against entries", value(entries, "balance"), user.balanceCredits);
    compare("reserved against entries", value(entries, "reserved"), user.reservedCredits);
    compare("balance against what is left of grants", value(grants, "left"), user.balanceCredits);
    compare("reserved against open holds", value(holds, "open"), user.reservedCredits);
    compare("granted against entries", value(grants, "granted"), value(entries, "granted"));
    compare("spent against settled holds", value(holds, "settled"), value(entries, "spent"));
    compare("holds without exactly one entry of their beginning", value(holds, "all"), value(entries, "beginnings"));
    compare("settled holds without exactly one entry of their end", value(holds, "settles"), value(entries, "settles"));
    compare(
      "released holds without exactly one entry of their end",
      value(holds, "releases"),
      value(entries, "releases"),
    );
    compare("credits of holds against their parts", value(holds, "credits"), value(parts, "credits"));
    compare(
      "what left the grants against holds, expiries and revocations",
      value(grants, "granted") - value(grants, "left"),
      value(parts, "kept") + value(entries, "expired") + value(entries, "revoked"),
    );
    // Sums over a person's grants would not see credits that moved from one grant to another that expires later.
    compare("grants that do not add up on their own", 0, unequalGrants.get(user.id) ?? 0);
    compare("free actions of entries against holds", value(holds, "free"), value(entries, "free"));
    compare("entries that do not add up to zero", 0, value(entries, "total"));
  }
  differences.push(...(await freeActionDifferences(ctx, page)));
  return differences;
}

/** A page is a run of neighbouring ids, so two bounds name it and the statement's text stays the same. */
function within(column: Column, page: readonly User[]) {
  const first = page[0]?.id ?? "";
  const last = page.at(-1)?.id ?? "";
  return and(gte(column, first), lte(column, last));
}

const total = (expression: ReturnType<typeof sql>) => sql`coalesce(sum(${expression}), 0)`.mapWith(Number);

async function entrySums(ctx: Pick<Context, "db">, page: readonly User[]): Promise<Sums> {
  const e = creditEntries;
  const counter = (name: string) =>
    total(sql`case when ${e.counterAccount} = ${sql.raw(`'${name}'`)} then ${e.counterDelta} else 0 end`);
  const rows = await ctx.db
    .select({
      userId: e.userId,
      balance: total(sql`${e.balanceDelta}`),
      reserved: total(sql`${e.reservedDelta}`),
      total: total(sql`${e.balanceDelta} + ${e.reservedDelta} + ${e.counterDelta}`),
      granted: total(sql`case when ${e.counterAccount} = 'granted' then -${e.counterDelta} else 0 end`),
      spent: counter("spent"),
      expired: counter("expired"),
      revoked: counter("revoked"),
      beginnings: total(sql`case when ${e.kind} = 'hold' then 1 else 0 end`),
      free: total(sql`${e.freeActionDelta}`),
      settles: total(sql`case when ${e.kind} = 'settle' then 1 else 0 end`),
      releases: total(sql`case when ${e.kind} = 'release' then 1 else 0 end`),
    })
    .from(e)
    .where(within(e.userId, page))
    .groupBy(e.userId);
  return byUser(rows);
}

async function grantSums(ctx: Pick<Context, "db">, page: readonly User[]): Promise<Sums> {
  const rows = await ctx.db
    .select({
      userId: creditGrants.userId,
      left: total(sql`${creditGrants.creditsLeft}`),
      granted: total(sql`${creditGrants.credits}`),
    })
    .from(creditGrants)
    .where(within(creditGrants.userId, page))
    .groupBy(creditGrants.userId);
  return byUser(rows);
}

/** How many grants of each person are not what their size, holds, expiries and revocations make of them. */
async function grantsThatDoNotAddUp(
  ctx: Pick<Context, "db">,
  page: readonly User[],
): Promise<ReadonlyMap<string, number>> {
  const [grants, kept, ended] = await Promise.all([
    ctx.db
      .select({
        id: creditGrants.id,
        userId: creditGrants.userId,
        size: creditGrants.credits,
        left: creditGrants.creditsLeft,
      })
      .from(creditGrants)
      .where(within(creditGrants.userId, page)),
    ctx.db
      .select({ grantId: creditHoldParts.grantId, credits: total(sql`${creditHoldParts.credits}`) })
      .from(creditHoldParts)
      .innerJoin(creditHolds, eq(creditHolds.id, creditHoldParts.holdId))
      .where(and(within(creditHolds.userId, page), ne(creditHolds.state, "released")))
      .groupBy(creditHoldParts.grantId),
    ctx.db
      .select({ grantId: creditEntries.grantId, credits: total(sql`${creditEntries.balanceDelta}`) })
      .from(creditEntries)
      .where(and(within(creditEntries.userId, page), isNotNull(creditEntries.grantId)))
      .groupBy(creditEntries.grantId),
  ]);
  const keptOf = new Map(kept.map((row) => [row.grantId, row.credits]));
  // The entries of a grant: its size when it came, less what expired or was revoked.
  const bookedOf = new Map(ended.map((row) => [row.grantId, row.credits]));
  const wrong = new Map<string, number>();
  for (const grant of grants) {
    const expected = (bookedOf.get(grant.id) ?? 0) - (keptOf.get(grant.id) ?? 0);
    if (expected !== grant.left) wrong.set(grant.userId, (wrong.get(grant.userId) ?? 0) + 1);
  }
  return wrong;
}

async function holdSums(ctx: Pick<Context, "db">, page: readonly User[]): Promise<Sums> {
  const h = creditHolds;
  const rows = await ctx.db
    .select({
      userId: h.userId,
      all: total(sql`1`),
      credits: total(sql`${h.credits}`),
      open: total(sql`case when ${h.state} = 'held' then ${h.credits} else 0 end`),
      settled: total(sql`case when ${h.state} = 'settled' then ${h.credits} else 0 end`),
      free: total(sql`case when ${h.freeMonth} is null or ${h.freeReturned} then 0 else -1 end`),
      settles: total(sql`case when ${h.state} = 'settled' then 1 else 0 end`),
      releases: total(sql`case when ${h.state} = 'released' then 1 else 0 end`),
    })
    .from(h)
    .where(within(h.userId, page))
    .groupBy(h.userId);
  return byUser(rows);
}

async function partSums(ctx: Pick<Context, "db">, page: readonly User[]): Promise<Sums> {
  const rows = await ctx.db
    .select({
      userId: creditHolds.userId,
      credits: total(sql`${creditHoldParts.credits}`),
      kept: total(sql`case when ${creditHolds.state} = 'released' then 0 else ${creditHoldParts.credits} end`),
    })
    .from(creditHoldParts)
    .innerJoin(creditHolds, eq(creditHolds.id, creditHoldParts.holdId))
    .where(within(creditHolds.userId, page))
    .groupBy(creditHolds.userId);
  return byUser(rows);
}

/** A person's counter of free actions against the holds of the month that it counts. */
async function freeActionDifferences(ctx: Pick<Context, "db">, page: readonly User[]): Promise<LedgerDifference[]> {
  const rows = await ctx.db
    .select({
      userId: users.id,
      used: total(sql`case when ${creditHolds.freeReturned} then 0 else 1 end`),
    })
    .from(users)
    .innerJoin(creditHolds, and(eq(creditHolds.userId, users.id), eq(creditHolds.freeMonth, users.freemiumMonth)))
    .where(within(users.id, page))
    .groupBy(users.id);
  const used = byUser(rows);
  return page
    .map((user) => ({
      user_id: user.id,
      telegram_id: user.telegramId,
      what: "free actions used against holds of the month",
      expected: (used.get(user.id)?.used ?? 0) + carriedInto(user, user.freemiumMonth),
      found: user.freemiumActionsUsed,
    }))
    .filter((difference) => difference.expected !== difference.found);
}

function byUser(rows: ReadonlyArray<{ userId: string } & Record<string, string | number>>): Sums {
  return new Map(rows.map(({ userId, ...numbers }) => [userId, numbers as Record<string, number>]));
}
