import { describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { limitInitDataUse } from "../../../src/features/auth/sessions.ts";
import { users } from "../../../src/features/profile/index.ts";
import { after, DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import { startTestApp } from "../../support/app.ts";
import {
  hashOf,
  launchData,
  type ProblemBody,
  refreshWith,
  refused,
  signedIn,
  signInWith,
  withToken,
} from "./sign-in-tools.ts";

const product = await startTestApp({ settings: { TRUSTED_PROXIES: "127.0.0.1" } });
const unproxied = await startTestApp();
const quiet = await startTestApp({ settings: { TRUSTED_PROXIES: "127.0.0.1" } });
const { clock } = product;
const from = (address: string) => ({ "x-forwarded-for": address });

async function peopleWith(telegramId: number): Promise<number> {
  const [row] = await product.open.database.raw(
    sql`select count(*) as people from users where telegram_id = ${telegramId}`,
  );
  return Number(row?.people);
}

describe("signing in", () => {
  test("with initData in the body gives a pair of tokens and the person", async () => {
    const answer = await signInWith(product, launchData(product, { telegramId: 41, firstName: "Пётр" }));
    const body = await signedIn(answer);
    expect(Object.keys(body).sort()).toEqual(["access_token", "expires_in", "refresh_token", "token_type", "user"]);
    expect(body).toMatchObject({
      token_type: "Bearer",
      expires_in: 1800,
      user: { telegram_id: 41, first_name: "Пётр" },
    });
    expect((await withToken(product, body.access_token)).status).toBe(200);
  });

  test("with the header `Authorization: tma` works the same, with and without a body", async () => {
    const initData = launchData(product, { telegramId: 42 });
    const headers = { authorization: `tma ${initData}` };
    const bare = await signedIn(await product.request("/auth/telegram", { method: "POST", headers }));
    const empty = await signedIn(await product.request("/auth/telegram", { method: "POST", headers, json: {} }));
    expect(bare.user.id).toBe(empty.user.id);
    expect(bare.user.telegram_id).toBe(42);
  });

  test("with nothing, with another scheme or with changed data is refused by one code", async () => {
    const initData = launchData(product);
    const attempts = [
      product.request("/auth/telegram", { method: "POST" }),
      product.request("/auth/telegram", { method: "POST", json: {} }),
      product.request("/auth/telegram", { method: "POST", headers: { authorization: `Bearer ${initData}` } }),
      product.request("/auth/telegram", { method: "POST", headers: { authorization: "tma " } }),
      signInWith(product, initData.replace("first_name", "last_name")),
      signInWith(product, `${initData}&admin=1`),
    ];
    for (const attempt of attempts) expect(await refused(await attempt)).toEqual([401, "init_data_invalid"]);
  });

  test("two first sign-ins at once make one person", async () => {
    for (let round = 0; round < 5; round += 1) {
      const telegramId = 43_000 + round;
      const data = [launchData(product, { telegramId }), launchData(product, { telegramId, firstName: "Anna" })];
      const answers = await Promise.all([...data, ...data].map((initData) => signInWith(product, initData)));
      const bodies = await Promise.all(answers.map(signedIn));
      expect(new Set(bodies.map((body) => body.user.id)).size).toBe(1);
      expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(4);
      expect(await peopleWith(telegramId)).toBe(1);
    }
  });

  test("again updates the name, and keeps the language that the person has", async () => {
    const first = await signedIn(
      await signInWith(product, launchData(product, { telegramId: 44, languageCode: "ru" })),
    );
    const again = await signedIn(
      await signInWith(product, launchData(product, { telegramId: 44, languageCode: "en", firstName: "Renamed" })),
    );
    expect(again.user).toMatchObject({ id: first.user.id, first_name: "Renamed", language: "ru" });
  });

  test("of a banned person is refused, and so is everything with the tokens they had", async () => {
    const initData = launchData(product, { telegramId: 45 });
    const body = await signedIn(await signInWith(product, initData));
    await product.ctx.db
      .update(users)
      .set({ bannedAt: clock.now(), banReason: "test" })
      .where(eq(users.telegramId, 45));
    expect(await refused(await signInWith(product, initData))).toEqual([403, "banned"]);
    expect(await refused(await withToken(product, body.access_token))).toEqual([403, "banned"]);
    expect(await refused(await refreshWith(product, body.refresh_token))).toEqual([403, "banned"]);
  });
});

describe("launch data that is too old", () => {
  test("T1 gets a code and a sentence that say: reopen the app", async () => {
    const openedAt = after(clock.now(), -25 * HOUR_MS);
    for (const [language, word] of [
      ["en", "reopen"],
      ["ru", "заново"],
    ] as const) {
      const answer = await signInWith(product, launchData(product, { openedAt }), { "accept-language": language });
      expect(answer.status).toBe(401);
      const problem = (await answer.json()) as ProblemBody;
      expect(problem.code).toBe("init_data_expired");
      expect(problem.detail).toContain(word);
    }
  });

  test("T1 does not hinder somebody who is signed in: refreshing needs no launch data", async () => {
    const initData = launchData(product);
    let { refresh_token: token } = await signedIn(await signInWith(product, initData));
    for (let day = 0; day < 40; day += 4) {
      clock.advance(4 * DAY_MS);
      const next = await signedIn(await refreshWith(product, token));
      expect((await withToken(product, next.access_token)).status).toBe(200);
      token = next.refresh_token;
    }
    expect(await refused(await signInWith(product, initData))).toEqual([401, "init_data_expired"]);
  });
});

describe("launch data that was copied", () => {
  test("T2 works from three places and is limited from a fourth, while the first three keep working", async () => {
    const initData = launchData(product);
    const known = ["198.51.100.1", "198.51.100.2", "2001:db8::1"];
    for (const address of known) await signedIn(await signInWith(product, initData, from(address)));
    const fourth = await signInWith(product, initData, from("198.51.100.4"));
    expect(fourth.status).toBe(429);
    expect(Number(fourth.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(((await fourth.json()) as ProblemBody).code).toBe("rate_limited");
    for (const address of known) await signedIn(await signInWith(product, initData, from(address)));
    expect((await signInWith(product, initData, from("198.51.100.4"))).status).toBe(429);
  });

  test("T2 counts the /64 of an IPv6 address as one place", async () => {
    const initData = launchData(product);
    for (let host = 1; host <= 6; host += 1) {
      await signedIn(await signInWith(product, initData, from(`2001:db8:1:2::${host}`)));
    }
  });

  test("T2 used from ten places at once is still accepted from three at most", async () => {
    for (let round = 0; round < 6; round += 1) {
      const hash = hashOf(launchData(product));
      // Straight at the counter and again and again: the first uses open connections, which keeps them apart.
      const uses = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => limitInitDataUse(product.ctx, hash, `203.0.113.${index + 1}`)),
      );
      expect(uses.filter((use) => use.status === "fulfilled")).toHaveLength(3);
    }
  });

  test("T2 does not limit the person's next launch", async () => {
    const telegramId = 46;
    const first = launchData(product, { telegramId });
    for (let host = 1; host <= 5; host += 1) await signInWith(product, first, from(`192.0.2.${host}`));
    clock.advance(MINUTE_MS);
    await signedIn(await signInWith(product, launchData(product, { telegramId }), from("192.0.2.99")));
  });

  test("T2 an address that no trusted proxy vouches for is not believed", async () => {
    const direct = unproxied;
    const initData = launchData(direct);
    for (let host = 1; host <= 6; host += 1) {
      await signedIn(await signInWith(direct, initData, from(`192.0.2.${host}`)));
    }
  });
});

test("T2 no secret of a sign-in stands in the log or in the database", async () => {
  const initData = launchData(quiet, { telegramId: 47, firstName: "Jekaterina" });
  const first = await signedIn(await signInWith(quiet, initData, from("192.0.2.1")));
  for (let host = 2; host <= 5; host += 1) await signInWith(quiet, initData, from(`192.0.2.${host}`));
  await signInWith(quiet, `${initData}&x=1`);
  const second = await signedIn(await refreshWith(quiet, first.refresh_token));
  await refreshWith(quiet, first.refresh_token);
  await withToken(quiet, second.access_token);
  const secrets = [
    initData,
    decodeURIComponent(initData),
    hashOf(initData),
    first.access_token,
    first.refresh_token,
    second.access_token,
    second.refresh_token,
    "Jekaterina",
    ...quiet.ctx.settings.JWT_SECRET,
    ...quiet.ctx.settings.TELEGRAM_BOT_TOKEN,
  ];
  const log = quiet.logLines.join("\n");
  expect(log).toContain("used twice");
  expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  const stored: string[] = [];
  for (const table of ["sessions", "refresh_tokens", "init_data_uses"]) {
    stored.push(JSON.stringify(await quiet.open.database.raw(`select * from ${table}`)));
  }
  expect(stored.join("").length).toBeGreaterThan(300);
  expect(secrets.filter((secret) => stored.join("").includes(secret))).toEqual([]);
});
