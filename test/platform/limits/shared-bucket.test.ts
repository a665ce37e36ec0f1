import { describe, expect, test } from "bun:test";
import { HOUR_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { forgetFullBuckets, type SharedBucket, takeShared } from "../../../src/platform/limits/shared-bucket.ts";
import { rateBuckets } from "../../../src/platform/limits/tables.ts";
import { startTestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { createTestDatabase } from "../../support/database.ts";

const BUCKET: SharedBucket = { name: "test", capacity: 5, refillPerSecond: 1 / 60 };
const MINUTE_SECONDS = 60;

const product = await startTestApp();
const { ctx, clock } = product;
let keys = 0;
const fresh = () => {
  keys += 1;
  return `key ${keys}`;
};

describe("a bucket that all processes share", () => {
  test("gives a burst, then a token whenever one has come back, and says when", async () => {
    const key = fresh();
    for (let taken = 0; taken < 5; taken += 1) expect(await takeShared(ctx, BUCKET, key)).toEqual({ allowed: true });
    expect(await takeShared(ctx, BUCKET, key)).toEqual({ allowed: false, retryAfterSeconds: MINUTE_SECONDS });
    clock.advance(59 * SECOND_MS);
    expect(await takeShared(ctx, BUCKET, key)).toEqual({ allowed: false, retryAfterSeconds: 1 });
    clock.advance(SECOND_MS);
    expect(await takeShared(ctx, BUCKET, key)).toEqual({ allowed: true });
    expect((await takeShared(ctx, BUCKET, key)).allowed).toBe(false);
    clock.advance(24 * HOUR_MS);
    for (let taken = 0; taken < 5; taken += 1) expect((await takeShared(ctx, BUCKET, key)).allowed).toBe(true);
    expect((await takeShared(ctx, BUCKET, key)).allowed).toBe(false);
  });

  test("is one person's and one limit's", async () => {
    const [anna, boris] = [fresh(), fresh()];
    for (let taken = 0; taken < 6; taken += 1) await takeShared(ctx, BUCKET, anna);
    expect((await takeShared(ctx, BUCKET, boris)).allowed).toBe(true);
    expect((await takeShared(ctx, { ...BUCKET, name: "other" }, anna)).allowed).toBe(true);
    expect((await takeShared(ctx, BUCKET, anna)).allowed).toBe(false);
  });

  test("never gives the same token twice, whoever asks at once", async () => {
    const key = fresh();
    const verdicts = await Promise.all(Array.from({ length: 40 }, () => takeShared(ctx, BUCKET, key)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(5);
  });

  test("locks nobody out for what a clock that was far ahead has written, nor gives more for one set back", async () => {
    const key = fresh();
    const ahead = createTestClock(new Date(clock.now().getTime() + 300 * 24 * HOUR_MS));
    expect((await takeShared({ ...ctx, clock: ahead }, BUCKET, key)).allowed).toBe(true);
    expect((await takeShared(ctx, BUCKET, key)).allowed).toBe(true);
    const other = fresh();
    for (let taken = 0; taken < 5; taken += 1) await takeShared(ctx, BUCKET, other);
    const back = createTestClock(new Date(clock.now().getTime() - SECOND_MS));
    expect((await takeShared({ ...ctx, clock: back }, BUCKET, other)).allowed).toBe(false);
  });

  test("is forgotten once it is full, and its row tells nobody whose it is", async () => {
    const key = fresh();
    clock.advance(HOUR_MS);
    await takeShared(ctx, BUCKET, key);
    const rows = await ctx.db.select().from(rateBuckets);
    expect(JSON.stringify(rows)).not.toContain(key);
    const otherSecret = { ...ctx, settings: { LINK_SECRET: ["another-secret-of-32-bytes-or-more!!"] } };
    await takeShared(otherSecret, BUCKET, key);
    expect(await ctx.db.select().from(rateBuckets)).toHaveLength(rows.length + 1);
    await forgetFullBuckets(ctx);
    const kept = await ctx.db.select().from(rateBuckets);
    expect(kept.every((row) => row.fullAtMs >= clock.now().getTime())).toBe(true);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    clock.advance(HOUR_MS);
    await forgetFullBuckets(ctx);
    expect(await ctx.db.select().from(rateBuckets)).toEqual([]);
  });
});

test("tries of promo codes and exports hold over two processes, and over a restart", async () => {
  const database = await createTestDatabase();
  const shared = createTestClock();
  const first = await startTestApp({ database, clock: shared });
  const second = await startTestApp({ database, clock: shared });
  const person = await first.signIn();
  const guess = (app: typeof first) =>
    app.request("/promo/redeem", { method: "POST", as: person, json: { code: "NOSUCHCODE" } });
  const guessed: number[] = [];
  for (let each = 0; each < 6; each += 1) {
    guessed.push((await guess(first)).status, (await guess(second)).status);
  }
  expect(guessed).toEqual([...Array.from({ length: 10 }, () => 404), 429, 429]);
  const refused = await guess(second);
  expect(Number(refused.headers.get("retry-after"))).toBeWithin(300, 361);
  expect(await refused.json()).toMatchObject({ code: "rate_limited" });

  const exports: number[] = [];
  for (let each = 0; each < 2; each += 1) {
    for (const app of [first, second]) {
      const answer = await app.request("/profile/export", { as: person });
      exports.push(answer.status);
      await answer.arrayBuffer();
    }
  }
  expect(exports).toEqual([200, 200, 200, 429]);
  const third = await startTestApp({ database, clock: shared });
  expect((await guess(third)).status).toBe(429);
  expect((await third.request("/profile/export", { as: person })).status).toBe(429);
  // Another person is not touched, and time heals.
  const other = await third.signIn();
  expect((await third.request("/profile/export", { as: other })).status).toBe(200);
  shared.advance(20 * 60 * SECOND_MS);
  const later = await third.signIn({ telegramId: person.telegramId });
  expect((await third.request("/profile/export", { as: later })).status).toBe(200);
  for (const app of [first, second, third]) await app.close();
  await database.remove();
});
