import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { forgetOldSessions, makeOperatorLink } from "../../../src/features/auth/index.ts";
import { DAY_MS, HOUR_MS } from "../../../src/platform/clock.ts";
import { startTestApp } from "../../support/app.ts";
import { launchData, refreshWith, refused, type SignedIn, signedIn, signInWith, withToken } from "./sign-in-tools.ts";

const product = await startTestApp();
const { clock } = product;

let people = 60_000;

async function signInAgain(telegramId: number): Promise<SignedIn> {
  return signedIn(await signInWith(product, launchData(product, { telegramId })));
}

async function signInOnce(): Promise<SignedIn & { telegramId: number }> {
  people += 1;
  return { ...(await signInAgain(people)), telegramId: people };
}

const UNAUTHENTICATED: [number, string] = [401, "unauthenticated"];

describe("a refresh token", () => {
  test("is exchanged for a new pair, and the new one for the next", async () => {
    const first = await signInOnce();
    const second = await signedIn(await refreshWith(product, first.refresh_token));
    const third = await signedIn(await refreshWith(product, second.refresh_token));
    expect(new Set([first, second, third].map((pair) => pair.refresh_token)).size).toBe(3);
    expect(third.user).toEqual(first.user);
    expect((await withToken(product, third.access_token)).status).toBe(200);
  });

  test("that was exchanged before ends its whole family, and the end stands although the answer is a refusal", async () => {
    const first = await signInOnce();
    const second = await signedIn(await refreshWith(product, first.refresh_token));
    expect(await refused(await refreshWith(product, first.refresh_token))).toEqual(UNAUTHENTICATED);
    expect(await refused(await withToken(product, second.access_token))).toEqual(UNAUTHENTICATED);
    expect(await refused(await withToken(product, first.access_token))).toEqual(UNAUTHENTICATED);
    expect(await refused(await refreshWith(product, second.refresh_token))).toEqual(UNAUTHENTICATED);
  });

  test("of one family that is stolen leaves the person's other sign-ins alone", async () => {
    const phone = await signInOnce();
    const desk = await signInAgain(phone.telegramId);
    await refreshWith(product, phone.refresh_token);
    await refreshWith(product, phone.refresh_token);
    expect((await withToken(product, phone.access_token)).status).toBe(401);
    expect((await withToken(product, desk.access_token)).status).toBe(200);
  });

  test("sent ten times at once is exchanged once at most, and then the family is over", async () => {
    const first = await signInOnce();
    const answers = await Promise.all(Array.from({ length: 10 }, () => refreshWith(product, first.refresh_token)));
    const won = answers.filter((answer) => answer.status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(9);
    for (const answer of won) {
      const pair = (await answer.json()) as SignedIn;
      expect((await withToken(product, pair.access_token)).status).toBe(401);
      expect((await refreshWith(product, pair.refresh_token)).status).toBe(401);
    }
  });

  test("that was never ours, is empty, too long or no text is refused", async () => {
    expect(await refused(await refreshWith(product, "made-up"))).toEqual(UNAUTHENTICATED);
    for (const refresh_token of ["", "x".repeat(2_049), 5, null, ["x"]]) {
      const answer = await product.request("/auth/refresh", { method: "POST", json: { refresh_token } });
      expect(await refused(answer)).toEqual([422, "validation_failed"]);
    }
  });

  test("dies thirty days after the last exchange, and each exchange begins them anew", async () => {
    const first = await signInOnce();
    clock.advance(29 * DAY_MS);
    const second = await signedIn(await refreshWith(product, first.refresh_token));
    clock.advance(29 * DAY_MS);
    const third = await signedIn(await refreshWith(product, second.refresh_token));
    clock.advance(30 * DAY_MS);
    expect(await refused(await refreshWith(product, third.refresh_token))).toEqual(UNAUTHENTICATED);
  });
});

describe("signing out", () => {
  const logout = (pair: SignedIn, json?: unknown) =>
    product.request("/auth/logout", {
      method: "POST",
      headers: { authorization: `Bearer ${pair.access_token}` },
      ...(json === undefined ? {} : { json }),
    });

  test("here ends this session at once, although its token was remembered", async () => {
    const [phone, desk] = await (async () => {
      const first = await signInOnce();
      return [first, await signInAgain(first.telegramId)] as const;
    })();
    expect((await withToken(product, phone.access_token)).status).toBe(200);
    const answer = await logout(phone);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await refused(await withToken(product, phone.access_token))).toEqual(UNAUTHENTICATED);
    expect(await refused(await refreshWith(product, phone.refresh_token))).toEqual(UNAUTHENTICATED);
    expect((await withToken(product, desk.access_token)).status).toBe(200);
  });

  test("everywhere ends all sessions of this person and nobody else's", async () => {
    const phone = await signInOnce();
    const desk = await signInAgain(phone.telegramId);
    const other = await signInOnce();
    expect((await logout(desk, { everywhere: true })).status).toBe(204);
    for (const pair of [phone, desk]) {
      expect((await withToken(product, pair.access_token)).status).toBe(401);
      expect((await refreshWith(product, pair.refresh_token)).status).toBe(401);
    }
    expect((await withToken(product, other.access_token)).status).toBe(200);
    await signInAgain(phone.telegramId);
  });

  test("with `everywhere` false ends only this one, and unknown members are refused", async () => {
    const phone = await signInOnce();
    const desk = await signInAgain(phone.telegramId);
    expect((await logout(desk, { every_where: true })).status).toBe(422);
    expect((await withToken(product, desk.access_token)).status).toBe(200);
    expect((await logout(desk, { everywhere: false })).status).toBe(204);
    expect((await withToken(product, phone.access_token)).status).toBe(200);
  });

  test("of somebody who is not signed in is refused", async () => {
    expect(await refused(await product.request("/auth/logout", { method: "POST" }))).toEqual(UNAUTHENTICATED);
  });
});

test("old sessions, their tokens and old uses of launch data are forgotten, live ones are not", async () => {
  const count = async (table: string): Promise<number> => {
    const [row] = await product.open.database.raw(sql.raw(`select count(*) as rows from ${table}`));
    return Number(row?.rows);
  };
  const gone = await signInOnce();
  await refreshWith(product, gone.refresh_token);
  await makeOperatorLink(product.ctx, { operatorId: null, userId: gone.user.id, reason: "a test" });
  clock.advance(38 * DAY_MS);
  const live = await signInOnce();
  await forgetOldSessions(product.ctx);
  expect(await count("sessions")).toBe(1);
  expect(await count("refresh_tokens")).toBe(1);
  expect(await count("init_data_uses")).toBe(2);
  expect(await count("operator_links")).toBe(0);
  clock.advance(HOUR_MS / 4);
  expect((await withToken(product, live.access_token)).status).toBe(200);
  expect(await refused(await refreshWith(product, gone.refresh_token))).toEqual(UNAUTHENTICATED);
});
