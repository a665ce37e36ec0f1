import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditGrants, verifyLedger } from "../../../src/features/billing/index.ts";
import { normalCode, promoCodes, promoUses, stopPromoCode } from "../../../src/features/promo/index.ts";
import { redeemPromoCode } from "../../../src/features/promo/redeem.ts";
import { after, DAY_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import { startTestApp, useTestApp } from "../../support/app.ts";
import { balance } from "../../support/fitting.ts";
import { checkingAnswers } from "../../support/openapi.ts";
import { makeCode, redeem, redeemed } from "./promo-tools.ts";

const product = useTestApp();
const usesOf = async (code: string) =>
  (await product().ctx.db.select().from(promoCodes).where(eq(promoCodes.code, code)))[0]?.uses;

describe("POST /promo/redeem", () => {
  test("gives the credits for good and says what it gave", async () => {
    const app = checkingAnswers(product());
    const person = await app.signIn();
    const code = await makeCode(app, { code: "SPRING2026", effect: { credits: 7 } });
    const response = await redeem(app, person, "spring-2026");
    expect([response.status, await response.json()]).toEqual([200, { code, credits: 7, plan: null }]);
    expect((await balance(app, person)).credits).toBe(7);
    const grants = await app.ctx.db.select().from(creditGrants).where(eq(creditGrants.userId, person.id));
    expect(grants).toMatchObject([{ kind: "gift", credits: 7, expiresAt: null }]);
  });

  test("gives days of a plan with their share of its credits, and makes a running subscription longer", async () => {
    const app = checkingAnswers(product());
    const person = await app.signIn();
    const week = await makeCode(app, { effect: { days: 7, plan: "basic" }, usesMax: 2 });
    const response = await redeem(app, person, week);
    expect(await response.json()).toEqual({ code: week, credits: null, plan: { type: "basic", days: 7 } });
    const subscriptionOf = async (): Promise<unknown> =>
      ((await (await app.request("/balance", { as: person })).json()) as { subscription: unknown }).subscription;
    const now = app.clock.now();
    // 50 credits a month of thirty days.
    expect(await subscriptionOf()).toMatchObject({
      type: "basic",
      credits_left: 11,
      auto_renew: false,
      ends_at: after(now, 7 * DAY_MS).toISOString(),
    });
    const threeDays = await makeCode(app, { effect: { days: 3, plan: "pro" } });
    expect((await redeemed(app, person, threeDays))[0]).toBe(200);
    expect(await subscriptionOf()).toMatchObject({ type: "basic", ends_at: after(now, 10 * DAY_MS).toISOString() });
    expect(await redeemed(app, person, week)).toEqual([409, "promo_used"]);
    expect(await subscriptionOf()).toMatchObject({ ends_at: after(now, 10 * DAY_MS).toISOString() });
  });

  test("of a plan that is sold no more is over, and no such code can be made", async () => {
    const app = product();
    const person = await app.signIn();
    const effect = { days: 3, plan: "premium" } as const;
    const code = await makeCode(app, { effect });
    const { plans } = app.ctx.catalogue;
    const catalogue = { ...app.ctx.catalogue, plans: plans.filter(({ key }) => key !== "premium") };
    const ctx = { ...app.ctx, catalogue };
    await expect(redeemPromoCode(ctx, { userId: person.id, code })).rejects.toThrow("promo_expired");
    await expect(makeCode({ ...app, ctx }, { effect })).rejects.toThrow("The catalogue has no plan premium");
    expect(await usesOf(code)).toBe(0);
    expect((await redeemed(app, person, code))[0]).toBe(200);
  });

  test("works once for a person, whatever the spelling, also for twenty taps at once", async () => {
    const app = product();
    const person = await app.signIn();
    const code = await makeCode(app, { usesMax: 100 });
    const answers = await Promise.all(Array.from({ length: 9 }, () => redeemed(app, person, code)));
    expect(answers.filter(([status]) => status === 200)).toHaveLength(1);
    expect(answers.filter(([, refusal]) => refusal === "promo_used")).toHaveLength(8);
    expect(await redeemed(app, person, ` ${code.toLowerCase()} `)).toEqual([409, "promo_used"]);
    expect(await usesOf(code)).toBe(1);
    expect((await balance(app, person)).credits).toBe(5);
  });

  test("works for as many people as it is for: 50 at once and exactly 7 have it", async () => {
    const app = product();
    const people = await Promise.all(Array.from({ length: 50 }, () => app.signIn()));
    const code = await makeCode(app, { usesMax: 7 });
    const answers = await Promise.all(people.map((person) => redeemed(app, person, code)));
    expect(answers.filter(([status]) => status === 200)).toHaveLength(7);
    expect(answers.filter(([, refusal]) => refusal === "promo_exhausted")).toHaveLength(43);
    const balances = await Promise.all(people.map((person) => balance(app, person)));
    expect(balances.reduce((sum, { credits }) => sum + credits, 0)).toBe(7 * 5);
    expect(await usesOf(code)).toBe(7);
    const uses = await app.ctx.db.select().from(promoUses);
    const [row] = await app.ctx.db.select().from(promoCodes).where(eq(promoCodes.code, code));
    expect(uses.filter((use) => use.codeId === row?.id)).toHaveLength(7);
  });

  test("whoever came too late may use it once it is for more people", async () => {
    const app = product();
    const [first, second] = [await app.signIn(), await app.signIn()];
    const code = await makeCode(app);
    expect((await redeemed(app, first, code))[0]).toBe(200);
    expect(await redeemed(app, second, code)).toEqual([409, "promo_exhausted"]);
    await app.ctx.db.update(promoCodes).set({ usesMax: 2 }).where(eq(promoCodes.code, code));
    expect((await redeemed(app, second, code))[0]).toBe(200);
  });

  test("refuses after its end, to the millisecond, and after it was stopped; whoever used it hears that", async () => {
    const app = product();
    const [first, second, third] = [await app.signIn(), await app.signIn(), await app.signIn()];
    const code = await makeCode(app, { usesMax: 9, expiresAt: after(app.clock.now(), MINUTE_MS) });
    app.clock.advance(MINUTE_MS - 1);
    expect((await redeemed(app, first, code))[0]).toBe(200);
    app.clock.advance(1);
    expect(await redeemed(app, second, code)).toEqual([410, "promo_expired"]);
    expect(await redeemed(app, first, code)).toEqual([409, "promo_used"]);
    const stopped = await makeCode(app, { usesMax: 9 });
    expect((await redeemed(app, first, stopped))[0]).toBe(200);
    await stopPromoCode(app.ctx, stopped);
    expect(await redeemed(app, third, stopped)).toEqual([410, "promo_expired"]);
    expect([await usesOf(code), await usesOf(stopped)]).toEqual([1, 1]);
    for (const person of [second, third]) expect((await balance(app, person)).credits).toBe(0);
  });

  test("refuses what is no code and says so in the person's language", async () => {
    const app = checkingAnswers(product());
    const person = await app.signIn({ languageCode: "ru" });
    for (const code of ["NOSUCHCODE", "x", "drop table", "🎁🎁🎁🎁", "A".repeat(64)]) {
      const response = await redeem(app, person, code);
      expect([response.status, await response.json()]).toEqual([
        404,
        expect.objectContaining({ code: "promo_unknown", detail: "Такого промокода нет. Проверьте, нет ли опечатки." }),
      ]);
    }
    expect((await balance(app, person)).credits).toBe(0);
  });

  test("refuses bodies that are none, strangers without a sign-in, and surplus members", async () => {
    const app = product();
    const person = await app.signIn();
    for (const json of [{}, { code: "" }, { code: 5 }, { code: "A".repeat(65) }, { code: "ABCD", surplus: 1 }, []]) {
      const response = await app.request("/promo/redeem", { method: "POST", as: person, json });
      expect([json, response.status]).toEqual([json, 422]);
    }
    const code = await makeCode(app);
    expect((await app.request("/promo/redeem", { method: "POST", json: { code } })).status).toBe(401);
    expect(await usesOf(code)).toBe(0);
  });

  test("gives the first answer again under the same key, and refuses the key for another code", async () => {
    const app = checkingAnswers(product());
    const person = await app.signIn();
    const [code, other] = [await makeCode(app), await makeCode(app)];
    const first = await redeem(app, person, code, "k-1");
    const again = await redeem(app, person, code, "k-1");
    expect([first.headers.get("idempotency-replayed"), again.headers.get("idempotency-replayed")]).toEqual([
      null,
      "true",
    ]);
    expect(await again.json()).toEqual(await first.json());
    const reused = await redeem(app, person, other, "k-1");
    expect(((await reused.json()) as { code: string }).code).toBe("idempotency_key_reused");
    expect((await balance(app, person)).credits).toBe(5);
    // A refusal uses up no key.
    expect((await redeem(app, person, "NOSUCHCODE", "k-2")).status).toBe(404);
    await makeCode(app, { code: "NOSUCHCODE" });
    expect((await redeem(app, person, "NOSUCHCODE", "k-2")).status).toBe(200);
  });

  test("lets nobody guess: ten tries, then one in six minutes; others and other routes go on", async () => {
    const app = product();
    const [guesser, other] = [await app.signIn(), await app.signIn()];
    const code = await makeCode(app, { usesMax: 2 });
    for (let n = 0; n < 10; n += 1) expect((await redeemed(app, guesser, `GUESS${n}`))[0]).toBe(404);
    const refused = await redeem(app, guesser, code);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "360"]);
    expect((await app.request("/balance", { as: guesser })).status).toBe(200);
    expect((await redeemed(app, other, code))[0]).toBe(200);
    app.clock.advance(6 * MINUTE_MS);
    expect((await redeemed(app, guesser, code))[0]).toBe(200);
    expect((await redeemed(app, guesser, code))[0]).toBe(429);
  });

  test("the ledger is clean after all of it, and nothing was a fault of ours", async () => {
    expect((await verifyLedger(product().ctx)).differences).toEqual([]);
    expect(product().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

test("a code that is stopped while it is used is used or refused, and its count is that of its uses", async () => {
  const app = await startTestApp();
  const people = await Promise.all(Array.from({ length: 12 }, () => app.signIn()));
  const code = await makeCode(app, { usesMax: 100 });
  const [answers] = await Promise.all([
    Promise.all(people.map((person) => redeemed(app, person, code))),
    stopPromoCode(app.ctx, code),
  ]);
  const used = answers.filter(([status]) => status === 200).length;
  expect(answers.filter(([, refusal]) => refusal === "promo_expired")).toHaveLength(12 - used);
  const [row] = await app.ctx.db.select().from(promoCodes);
  expect([row?.uses, (await app.ctx.db.select().from(promoUses)).length]).toEqual([used, used]);
  app.clock.advance(DAY_MS);
  const late = await app.signIn();
  expect(await redeemed(app, late, code)).toEqual([410, "promo_expired"]);
});

test("a code is read as people type it", () => {
  expect(normalCode("  spring-2026 ")).toBe("SPRING2026");
  expect(normalCode("весна 20–26")).toBe("ВЕСНА2026");
  expect(normalCode("ＳＰＲＩＮＧ")).toBe("SPRING");
  for (const text of ["", "abc", "a b-c", "straße", "A_BC", "x".repeat(33), "ABC\u202eD", "日本語日本"]) {
    expect([text, normalCode(text)]).toEqual([text, text === "straße" ? "STRASSE" : null]);
  }
});
