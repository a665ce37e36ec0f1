import { and, asc, desc, eq, gt, inArray, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { isId } from "../../../platform/ids.ts";
import { keyOf, keyRange, type User, users } from "../../profile/index.ts";

export const SEARCH_LENGTH_MAX = 100;
/** Lists that have an index of their own. */
export const PEOPLE_FILTERS = ["banned", "subscribed", "erased"] as const;
export type PeopleFilter = (typeof PEOPLE_FILTERS)[number];

const TELEGRAM_ID = /^[1-9]\d{0,15}$/;

type Reads = Pick<Context, "db">;
interface Page {
  before: string | null;
  limit: number;
}

/** People, the newest first; a search by the beginning of a name or username comes in the order of the alphabet. */
export async function listPeople(
  ctx: Reads,
  filter: { search?: string | undefined; only?: PeopleFilter | undefined },
  page: Page,
): Promise<User[]> {
  const search = filter.search?.trim() ?? "";
  if (search === "") return newestPeople(ctx, filter.only, page);
  if (isId(search)) return exactly(ctx, eq(users.id, search), page);
  if (TELEGRAM_ID.test(search)) return exactly(ctx, eq(users.telegramId, Number(search)), page);
  return search.startsWith("@") ? byUsername(ctx, search.slice(1), page) : byName(ctx, search, page);
}

async function exactly(ctx: Reads, which: ReturnType<typeof eq>, page: Page): Promise<User[]> {
  return page.before === null ? ctx.db.select().from(users).where(which).limit(page.limit) : [];
}

async function newestPeople(ctx: Reads, only: PeopleFilter | undefined, page: Page): Promise<User[]> {
  // Literal conditions: each is that of a partial index.
  const conditions = {
    banned: sql`${users.bannedAt} is not null`,
    subscribed: sql`${users.subscriptionEnd} is not null`,
    erased: sql`${users.erasedAt} is not null`,
  };
  return ctx.db
    .select()
    .from(users)
    .where(
      and(
        only === undefined ? undefined : conditions[only],
        page.before === null ? undefined : lt(users.id, page.before),
      ),
    )
    .orderBy(desc(users.id))
    .limit(page.limit);
}

async function byName(ctx: Reads, prefix: string, page: Page): Promise<User[]> {
  return byKey(ctx, users.nameKey, (user) => user.nameKey, prefix, page);
}

async function byUsername(ctx: Reads, prefix: string, page: Page): Promise<User[]> {
  return byKey(ctx, users.usernameKey, (user) => user.usernameKey, prefix, page);
}

/** In the order of the key and the id; the cursor is the last person's id, whose key says where the page ended. */
async function byKey(
  ctx: Reads,
  column: typeof users.nameKey | typeof users.usernameKey,
  keyIn: (user: User) => string | null,
  prefix: string,
  page: Page,
): Promise<User[]> {
  if (keyOf(prefix) === "") return [];
  const { from, to } = keyRange(prefix);
  const [last] = page.before === null ? [] : await ctx.db.select().from(users).where(eq(users.id, page.before));
  const lastKey = last ? keyIn(last) : null;
  if (page.before !== null && lastKey === null) return [];
  const behind =
    last && lastKey !== null ? or(gt(column, lastKey), and(eq(column, lastKey), gt(users.id, last.id))) : undefined;
  // The lower bound is moved to where the page ended, so that an index is entered there and not at the prefix.
  return ctx.db
    .select()
    .from(users)
    .where(and(sql`${column} >= ${lastKey ?? from}`, sql`${column} < ${to}`, behind))
    .orderBy(asc(column), asc(users.id))
    .limit(page.limit);
}

/** People by their ids, for lists that name them. */
export async function peopleById(ctx: Reads, ids: readonly string[]): Promise<Map<string, User>> {
  const wanted = [...new Set(ids)];
  const rows = wanted.length === 0 ? [] : await ctx.db.select().from(users).where(inArray(users.id, wanted));
  return new Map(rows.map((row) => [row.id, row]));
}

/** Somebody, as lists name them. */
export function personRef(user: Pick<User, "id" | "telegramId" | "firstName" | "lastName" | "username" | "erasedAt">) {
  return {
    id: user.id,
    telegram_id: user.erasedAt === null ? user.telegramId : null,
    name: [user.firstName, user.lastName].filter(Boolean).join(" "),
    username: user.username,
  };
}

export function personRow(user: User) {
  return {
    ...personRef(user),
    language: user.language,
    credits: user.balanceCredits,
    reserved: user.reservedCredits,
    subscription_type: user.subscriptionType,
    subscription_end: user.subscriptionEnd?.toISOString() ?? null,
    banned_at: user.bannedAt?.toISOString() ?? null,
    erased_at: user.erasedAt?.toISOString() ?? null,
    created_at: user.createdAt.toISOString(),
  };
}
