import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { rememberStart } from "../../../src/features/referrals/binding.ts";
import { pendingReferrals, referrals } from "../../../src/features/referrals/index.ts";
import { after, DAY_MS, MINUTE_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../../support/app.ts";
import { broughtBy, inHands, inviterOf, linkOf, seenBy, started } from "./referral-tools.ts";

const product = useTestApp();
let telegramIds = 6_400_000;
const nextTelegramId = () => {
  telegramIds += 1;
  return telegramIds;
};

/** Binds by a start of the bot that was made before the person first signed in, and whose job comes only now. */
function lateStart(app: TestApp, person: Person, startParam: string): Promise<void> {
  const startedAt = after(app.clock.now(), -365 * DAY_MS);
  return app.ctx.transaction((tx) => rememberStart(tx, { telegramId: person.telegramId, startParam, startedAt }));
}

const pendingOf = async (app: TestApp, telegramId: number) =>
  app.ctx.db.select().from(pendingReferrals).where(eq(pendingReferrals.telegramId, telegramId));

describe("T9 a link to the app", () => {
  test("T9 binds whoever first signs in behind it, and says nothing of them to the inviter", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await app.signIn({ firstName: "Агриппина", startParam: await linkOf(app, inviter) });
    expect(await inviterOf(app, invited.id)).toBe(inviter.id);
    const seen = await seenBy(app, inviter);
    expect(seen).toMatchObject({ invited: 1, rewarded: 0, credits_earned: 0, next_cursor: null });
    expect(seen.items).toMatchObject([{ state: "waiting", credits: 0 }]);
    for (const trace of [invited.id, String(invited.telegramId), "Агриппина"]) {
      expect(JSON.stringify(seen)).not.toContain(trace);
    }
    expect(await seenBy(app, invited)).toMatchObject({ invited: 0, items: [] });
  });

  test("T9 binds once: a later sign-in behind another link, or behind the same one, changes nothing", async () => {
    const app = product();
    const [inviter, other] = [await app.signIn(), await app.signIn()];
    const invited = await broughtBy(app, inviter);
    for (const startParam of [await linkOf(app, other), await linkOf(app, inviter)]) {
      await app.signIn({ telegramId: invited.telegramId, startParam });
    }
    expect(await inviterOf(app, invited.id)).toBe(inviter.id);
    expect((await seenBy(app, inviter)).invited).toBe(1);
    expect((await seenBy(app, other)).invited).toBe(0);
  });

  test("T10 binds nobody who was here before, neither at once nor ever", async () => {
    const app = product();
    const [inviter, existing] = [await app.signIn(), await app.signIn()];
    const startParam = await linkOf(app, inviter);
    for (let n = 0; n < 3; n += 1) {
      app.clock.advance(DAY_MS);
      await app.signIn({ telegramId: existing.telegramId, startParam });
    }
    expect(await inviterOf(app, existing.id)).toBeNull();
  });

  test("T9 ten first sign-ins at once behind different links make one person with one inviter", async () => {
    const app = product();
    const inviters = await Promise.all(Array.from({ length: 10 }, () => app.signIn()));
    const links = await Promise.all(inviters.map((inviter) => linkOf(app, inviter)));
    for (let round = 0; round < 3; round += 1) {
      const telegramId = nextTelegramId();
      const signedIn = await Promise.all(links.map((startParam) => app.signIn({ telegramId, startParam })));
      expect(new Set(signedIn.map((person) => person.id)).size).toBe(1);
      const id = signedIn[0]?.id ?? "";
      const rows = await app.ctx.db.select().from(referrals).where(eq(referrals.referredId, id));
      expect(rows).toHaveLength(1);
      expect(inviters.map((inviter) => inviter.id)).toContain(rows[0]?.referrerId ?? "");
    }
  });

  test("T9 a start parameter that is no code of anybody lets people in and binds nobody", async () => {
    const app = product();
    const link = await linkOf(app, await app.signIn());
    const nobodys = [
      "ref_",
      "ref_nobody",
      link.toUpperCase(),
      `x${link}`,
      `${link}x`,
      link.slice(4),
      "ref_-",
      "_".repeat(512),
    ];
    for (const startParam of nobodys) {
      const person = await app.signIn({ startParam });
      expect([startParam, await inviterOf(app, person.id)]).toEqual([startParam, null]);
    }
  });

  test("T10 the link of a banned person brings nobody", async () => {
    const app = product();
    const inviter = await app.signIn();
    const startParam = await linkOf(app, inviter);
    await app.ctx.db.update(users).set({ bannedAt: app.clock.now() }).where(eq(users.id, inviter.id));
    expect(await inviterOf(app, (await app.signIn({ startParam })).id)).toBeNull();
  });
});

describe("T9 a start of the bot", () => {
  test("T9 before the first sign-in is remembered, bound then, and forgotten", async () => {
    const app = product();
    const inviter = await app.signIn();
    const telegramId = nextTelegramId();
    await started(app, telegramId, await linkOf(app, inviter));
    expect(await pendingOf(app, telegramId)).toHaveLength(1);
    app.clock.advance(29 * DAY_MS);
    const invited = await app.signIn({ telegramId });
    expect(await inviterOf(app, invited.id)).toBe(inviter.id);
    expect(await pendingOf(app, telegramId)).toEqual([]);
  });

  test("T9 counts for 30 days, and cleanup removes what is older", async () => {
    const app = product();
    const inviter = await app.signIn();
    const [late, never] = [nextTelegramId(), nextTelegramId()];
    for (const telegramId of [late, never]) await started(app, telegramId, await linkOf(app, inviter));
    app.clock.advance(30 * DAY_MS);
    expect(await inviterOf(app, (await app.signIn({ telegramId: late })).id)).toBeNull();
    expect(await pendingOf(app, never)).toHaveLength(1);
    await enqueue(app.ctx, "privacy.clean_up", {});
    await app.work();
    expect(await pendingOf(app, never)).toEqual([]);
  });

  test("T9 the latest start counts, in whatever order and however often the jobs run", async () => {
    const app = product();
    const [first, second] = [await app.signIn(), await app.signIn()];
    const telegramId = nextTelegramId();
    for (const inviter of [first, second]) {
      app.clock.advance(MINUTE_MS);
      await enqueue(app.ctx, "telegram.started", { telegram_id: telegramId, start_param: await linkOf(app, inviter) });
    }
    const { taken, run, done } = await inHands(app, "telegram.started");
    expect(taken).toHaveLength(2);
    for (const job of [...taken.toReversed(), ...taken, ...taken.toReversed()]) await run(job);
    await done();
    const invited = await app.signIn({ telegramId });
    expect(await inviterOf(app, invited.id)).toBe(second.id);
  });

  test("T9 the link that opened the app counts before it, and a useless link leaves it in force", async () => {
    const app = product();
    const [byBot, byApp] = [await app.signIn(), await app.signIn()];
    for (const [startParam, expected] of [
      [await linkOf(app, byApp), byApp.id],
      ["ref_nobody", byBot.id],
      ["campaign", byBot.id],
    ] as const) {
      const telegramId = nextTelegramId();
      await started(app, telegramId, await linkOf(app, byBot));
      const invited = await app.signIn({ telegramId, startParam });
      expect([startParam, await inviterOf(app, invited.id)]).toEqual([startParam, expected]);
      expect(await pendingOf(app, telegramId)).toEqual([]);
    }
  });

  test("T9 with no code, a code of nobody, or rubbish leaves nothing behind", async () => {
    const app = product();
    const telegramId = nextTelegramId();
    for (const startParam of ["", "ref_nobody", "hello", "ref_ ", `ref_${"x".repeat(61)}`]) {
      await started(app, telegramId, startParam);
    }
    for (const payload of [{}, { telegram_id: telegramId }, { telegram_id: "1", start_param: 5 }]) {
      await enqueue(app.ctx, "telegram.started", payload);
    }
    await app.work();
    expect(await pendingOf(app, telegramId)).toEqual([]);
  });

  test("T10 binds nobody who was here before it", async () => {
    const app = product();
    const [inviter, existing] = [await app.signIn(), await app.signIn()];
    app.clock.advance(SECOND_MS);
    await started(app, existing.telegramId, await linkOf(app, inviter));
    await app.signIn({ telegramId: existing.telegramId });
    expect(await inviterOf(app, existing.id)).toBeNull();
    expect(await pendingOf(app, existing.telegramId)).toEqual([]);
  });

  test("T9 whose job is still waiting at the first sign-in is not lost", async () => {
    const app = product();
    const inviter = await app.signIn();
    const telegramId = nextTelegramId();
    await enqueue(app.ctx, "telegram.started", { telegram_id: telegramId, start_param: await linkOf(app, inviter) });
    app.clock.advance(SECOND_MS);
    const invited = await app.signIn({ telegramId });
    expect(await inviterOf(app, invited.id)).toBeNull();
    await app.work();
    expect(await inviterOf(app, invited.id)).toBe(inviter.id);
    expect(await pendingOf(app, telegramId)).toEqual([]);
  });

  test("T9 whose job runs at the very moment of the first sign-in binds all the same", async () => {
    const app = product();
    const inviter = await app.signIn();
    const startParam = await linkOf(app, inviter);
    for (let round = 0; round < 25; round += 1) {
      const telegramId = nextTelegramId();
      const startedAt = app.clock.now();
      app.clock.advance(1);
      const [invited] = await Promise.all([
        app.signIn({ telegramId }),
        app.ctx.transaction((tx) => rememberStart(tx, { telegramId, startParam, startedAt })),
      ]);
      expect([round, await inviterOf(app, invited.id)]).toEqual([round, inviter.id]);
      expect(await pendingOf(app, telegramId)).toEqual([]);
    }
  });
});

describe("T10 nobody is brought by themselves, or by somebody whom they brought", () => {
  test("T10 one's own link does nothing, in the app and in the bot", async () => {
    const app = product();
    const person = await app.signIn();
    const own = await linkOf(app, person);
    await app.signIn({ telegramId: person.telegramId, startParam: own });
    await lateStart(app, person, own);
    expect(await inviterOf(app, person.id)).toBeNull();
  });

  test("T10 no circle of two, three or five", async () => {
    const app = product();
    for (const length of [2, 3, 5]) {
      const first = await app.signIn();
      const chain = [first];
      for (const _link of Array.from({ length: length - 1 })) chain.push(await broughtBy(app, chain.at(-1) ?? first));
      await lateStart(app, first, await linkOf(app, chain.at(-1) ?? first));
      expect([length, await inviterOf(app, first.id)]).toEqual([length, null]);
    }
  });

  test("T10 two, three and four who bring each other in a ring at the same moment stay without a ring", async () => {
    const app = await startTestApp();
    for (const size of [2, 3, 4, 2, 3, 4]) {
      const ring = await Promise.all(Array.from({ length: size }, () => app.signIn()));
      const links = await Promise.all(ring.map((person) => linkOf(app, person)));
      await Promise.all(ring.map((person, place) => lateStart(app, person, links[(place + 1) % size] ?? "")));
      const inviters = await Promise.all(ring.map((person) => inviterOf(app, person.id)));
      // One is left without an inviter at least, and one has got theirs.
      expect(inviters.filter((inviter) => inviter === null).length).toBeGreaterThan(0);
      expect(inviters.filter((inviter) => inviter !== null).length).toBeGreaterThan(0);
    }
  });
});

test("none of this was a fault of ours", () => {
  expect(product().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
