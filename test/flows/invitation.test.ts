import { describe, expect, test } from "bun:test";
import { createPromoCode } from "../../src/features/promo/index.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { outboxOf, postUpdate, says, signInWith, written } from "../support/bot.ts";
import { balance, finish, ordered } from "../support/fitting.ts";

const codeOf = async (app: TestApp, person: Person) =>
  ((await (await app.request("/referrals", { as: person })).json()) as { code: string }).code;

const textsTo = (app: TestApp, person: Person) =>
  written(app, person).map((message) => message.text?.replaceAll(/[\u00a0\u202f]/g, " "));

/** Comes by the inviter's link to the bot, opens the app, and has a first picture. */
async function comeAndTryOn(app: TestApp, inviter: Person, telegramId: number): Promise<Person> {
  app.telegram.person(telegramId, { state: "started" });
  await postUpdate(app, says(telegramId, `/start ref_${await codeOf(app, inviter)}`, "en"));
  await app.work();
  const invited = await app.signIn({ telegramId });
  await finish(app, invited, (await ordered(app, invited)).id);
  await app.work();
  return invited;
}

describe("an invitation, from the link to the message", () => {
  test("T9 T10 A's link brings B by the bot, B's first picture rewards A, and A hears of it once, in Russian", async () => {
    const app = await startTestApp();
    const inviter = await signInWith(app, "started", { languageCode: "ru" });
    const invited = await comeAndTryOn(app, inviter, 8_300_001);
    expect((await balance(app, inviter)).credits).toBe(10);
    expect(textsTo(app, inviter)).toEqual([
      "Приглашённый вами друг присоединился: вам начислено 10 кредитов. Спасибо!",
    ]);
    await finish(app, invited, (await ordered(app, invited)).id);
    await app.work();
    expect(textsTo(app, inviter)).toHaveLength(1);
    expect(textsTo(app, invited).join()).not.toContain("friend");
  });

  test("T10 whoever wants no news gets the credits and no message", async () => {
    const app = await startTestApp();
    const inviter = await signInWith(app, "started");
    await app.request("/profile", { method: "PATCH", as: inviter, json: { notify_news: false } });
    await comeAndTryOn(app, inviter, 8_300_002);
    expect((await balance(app, inviter)).credits).toBe(10);
    expect(await outboxOf(app, inviter)).toEqual([]);
  });
});

test("a promo code says in the chat what it gave, once for each tap that worked", async () => {
  const app = await startTestApp();
  const person = await signInWith(app, "started");
  const make = (code: string, effect: { credits: number } | { days: number; plan: "basic" }) =>
    createPromoCode(app.ctx, { code, effect, usesMax: 5, createdBy: "test" });
  await make("CREDITS", { credits: 1 });
  await make("PLANDAYS", { days: 3, plan: "basic" });
  for (const code of ["CREDITS", "PLANDAYS", "CREDITS", "NOSUCH"]) {
    await app.request("/promo/redeem", { method: "POST", as: person, json: { code } });
  }
  await app.work();
  expect(textsTo(app, person).toSorted()).toEqual([
    "The promo code worked: the plan “basic” is yours for 3 days.",
    "The promo code worked: you got 1 credit.",
  ]);
});
