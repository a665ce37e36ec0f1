import { describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { findOrCreateUser, users } from "../../src/features/profile/index.ts";
import { hotStatement } from "../../src/platform/db/hot-statement.ts";
import { startTestApp } from "../support/app.ts";

const { ctx } = await startTestApp();
const { user } = await findOrCreateUser(ctx, { telegramId: 4_711, firstName: "Anna", languageCode: "en" } as never);

const COLUMNS = {
  id: users.id,
  telegramId: users.telegramId,
  lastName: users.lastName,
  notifyNews: users.notifyNews,
  bannedAt: users.bannedAt,
  createdAt: users.createdAt,
};
let built = 0;
const byTelegramId = hotStatement(COLUMNS, (db, columns) => {
  built += 1;
  const asked = sql.param(sql.placeholder("telegramId"), users.telegramId);
  const since = sql.param(sql.placeholder("since"), users.createdAt);
  return db
    .select(columns)
    .from(users)
    .where(sql`${users.telegramId} = ${asked} and ${users.createdAt} >= ${since} and ${users.balanceCredits} = ${0}`);
});
const since = new Date(0);

describe("a hot statement", () => {
  test("answers rows as the query builder does: moments, numbers, flags and nothing at all", async () => {
    const [plain] = await ctx.db.select(COLUMNS).from(users).where(eq(users.telegramId, 4_711));
    expect(await byTelegramId(ctx.db, { telegramId: 4_711, since })).toEqual([plain as never]);
    expect(plain).toMatchObject({ id: user.id, telegramId: 4_711, lastName: null, bannedAt: null });
    expect(plain?.createdAt).toBeInstanceOf(Date);
    expect(typeof plain?.notifyNews).toBe("boolean");
  });

  test("is built once for a handle, and asks for what is given each time", async () => {
    const before = built;
    expect(await byTelegramId(ctx.db, { telegramId: 4_712, since })).toEqual([]);
    expect(await byTelegramId(ctx.db, { telegramId: 4_711, since: new Date("2200-01-01T00:00:00Z") })).toEqual([]);
    expect(await byTelegramId(ctx.db, { telegramId: 4_711, since })).toHaveLength(1);
    expect(built).toBe(before);
  });

  test("sees what its transaction has written, and nobody else does", async () => {
    const banned = new Date("2026-11-01T10:00:00.123Z");
    await ctx.transaction(async (tx) => {
      await tx.db.update(users).set({ bannedAt: banned }).where(eq(users.id, user.id));
      expect((await byTelegramId(tx.db, { telegramId: 4_711, since }))[0]?.bannedAt).toEqual(banned);
      await tx.db.update(users).set({ bannedAt: null }).where(eq(users.id, user.id));
    });
    expect((await byTelegramId(ctx.db, { telegramId: 4_711, since }))[0]?.bannedAt).toBeNull();
  });

  test("is refused where the builder's own would be: outside while inside, and inside after the end", async () => {
    let kept: typeof ctx.db | undefined;
    await ctx.transaction(async (tx) => {
      kept = tx.db;
      await expect(byTelegramId(ctx.db, { telegramId: 4_711, since })).rejects.toThrow("inside a transaction");
    });
    await expect(byTelegramId(kept as never, { telegramId: 4_711, since })).rejects.toThrow(
      "after the transaction had ended",
    );
  });

  test("is never asked with less than it needs, and never of a handle that nobody opened", async () => {
    await expect(byTelegramId(ctx.db, { telegramId: 4_711 })).rejects.toThrow('no value was given for "since"');
    const stranger = { select: ctx.db.select.bind(ctx.db) } as typeof ctx.db;
    await expect(byTelegramId(stranger, { telegramId: 4_711, since })).rejects.toThrow("nobody opened");
  });
});
