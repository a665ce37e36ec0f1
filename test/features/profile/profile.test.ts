import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findOrCreateUser, users } from "../../../src/features/profile/index.ts";
import { isId } from "../../../src/platform/ids.ts";
import { startTestApp } from "../../support/app.ts";
import { launchData, signedIn, signInWith } from "../auth/sign-in-tools.ts";

const product = await startTestApp();

let people = 9_500_000;
const nextTelegramId = (): number => {
  people += 1;
  return people;
};

describe("GET /profile", () => {
  test("is the person who is signed in, with exactly these members", async () => {
    const telegramId = nextTelegramId();
    const person = await product.signIn({ telegramId, firstName: "Ева", languageCode: "ru" });
    const answer = await product.request("/profile", { as: person });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      id: person.id,
      telegram_id: telegramId,
      first_name: "Ева",
      last_name: null,
      username: null,
      language: "ru",
      notifications: { results: true, news: true },
      telegram_write_state: "unknown",
      subscription_type: null,
      consent: { terms_version: null, terms_url: null, accepted_version: null, accepted_at: null, required: false },
      created_at: "2026-11-18T09:00:00.000Z",
    });
    expect(isId(person.id)).toBe(true);
  });

  test("is what signing in answers as `user`", async () => {
    const body = await signedIn(await signInWith(product, launchData(product)));
    const headers = { authorization: `Bearer ${body.access_token}` };
    expect(await (await product.request("/profile", { headers })).json()).toEqual(body.user);
  });

  test("of a stranger is refused", async () => {
    expect((await product.request("/profile")).status).toBe(401);
  });

  test("holds a Telegram id of the largest size to the last digit", async () => {
    const telegramId = 2 ** 52 - 1;
    const person = await product.signIn({ telegramId });
    const answer = (await (await product.request("/profile", { as: person })).json()) as { telegram_id: number };
    expect(answer.telegram_id).toBe(telegramId);
  });
});

describe("the language of a new person", () => {
  test("is Russian for clients of neighbours that mostly read it, and English for everybody else", async () => {
    const expected = { ru: "ru", "ru-RU": "ru", uk: "ru", be: "ru", kk: "ru", en: "en", de: "en", run: "en", zh: "en" };
    for (const [languageCode, language] of Object.entries(expected)) {
      const { user } = await findOrCreateUser(product.ctx, {
        telegramId: nextTelegramId(),
        firstName: "Test",
        languageCode,
      });
      expect([languageCode, user.language]).toEqual([languageCode, language]);
    }
  });
});

describe("whether the bot may write", () => {
  test("T6 is learnt at sign-in and not forgotten at one that does not mention it", async () => {
    const telegramId = nextTelegramId();
    const first = await findOrCreateUser(product.ctx, { telegramId, firstName: "Test", allowsWriteToPm: true });
    expect([first.isNew, first.user.writeState]).toEqual([true, "enabled"]);
    const again = await findOrCreateUser(product.ctx, { telegramId, firstName: "Test" });
    expect([again.isNew, again.user.writeState]).toEqual([false, "enabled"]);
  });

  test("T6 is shown to the person", async () => {
    const person = await product.signIn();
    await product.ctx.db.update(users).set({ writeState: "blocked" }).where(eq(users.id, person.id));
    const answer = (await (await product.request("/profile", { as: person })).json()) as Record<string, unknown>;
    expect(answer.telegram_write_state).toBe("blocked");
  });
});

test("twenty first sign-ins at once make one person, and one of them made it", async () => {
  const telegramId = nextTelegramId();
  const results = await Promise.all(
    Array.from({ length: 20 }, () => findOrCreateUser(product.ctx, { telegramId, firstName: "Test" })),
  );
  expect(new Set(results.map((result) => result.user.id)).size).toBe(1);
  expect(results.filter((result) => result.isNew)).toHaveLength(1);
});
