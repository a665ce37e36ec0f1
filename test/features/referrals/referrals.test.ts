import { describe, expect, test } from "bun:test";
import { referralCodes } from "../../../src/features/referrals/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { startTestApp, useTestApp } from "../../support/app.ts";
import { checkingAnswers } from "../../support/openapi.ts";
import { broughtBy, pictureEnded, seenBy } from "./referral-tools.ts";

describe("GET /referrals", () => {
  const product = useTestApp({ settings: { TELEGRAM_BOT_NAME: "atelier_test_bot", TELEGRAM_APP_NAME: "look" } });

  test("gives a code that fits Telegram's links, always the same, and the link itself", async () => {
    const app = product();
    const person = await app.signIn();
    const { code, link } = await seenBy(app, person);
    expect(`ref_${code}`).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(link).toBe(`https://t.me/atelier_test_bot/look?startapp=ref_${code}`);
    expect((await seenBy(app, person)).code).toBe(code);
  });

  test("gives one code to twenty who ask at once for the same person, and others to others", async () => {
    const app = product();
    const [person, other] = [await app.signIn(), await app.signIn()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => seenBy(app, person)));
    const codes = new Set(answers.map(({ code }) => code));
    expect(codes.size).toBe(1);
    expect(codes.has((await seenBy(app, other)).code)).toBe(false);
    const rows = (await app.ctx.db.select().from(referralCodes)).filter((row) => row.userId === person.id);
    expect(rows).toHaveLength(1);
  });

  test("leads to the bot's main app without the app's name, and nowhere without the bot's", async () => {
    const main = await startTestApp({ settings: { TELEGRAM_BOT_NAME: "atelier_test_bot", TELEGRAM_APP_NAME: "" } });
    const shown = await seenBy(main, await main.signIn());
    expect(shown.link).toBe(`https://t.me/atelier_test_bot?startapp=ref_${shown.code}`);
    const nameless = checkingAnswers(
      await startTestApp({ settings: { TELEGRAM_BOT_NAME: "", TELEGRAM_APP_NAME: "look" } }),
    );
    expect((await seenBy(nameless, await nameless.signIn())).link).toBeNull();
  });

  test("shows page by page, newest first, each once, with sums over all of them", async () => {
    const app = checkingAnswers(product());
    const inviter = await app.signIn();
    const invited = [];
    for (let n = 0; n < 5; n += 1) invited.push(await broughtBy(app, inviter));
    for (const person of invited.slice(0, 2)) await pictureEnded(app, person);
    const items: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await seenBy(app, inviter, `?limit=2${cursor === null ? "" : `&cursor=${cursor}`}`);
      expect(page).toMatchObject({ invited: 5, rewarded: 2, credits_earned: 20 });
      items.push(...page.items.map((item) => `${item.state} ${item.credits} ${item.rewarded_at !== undefined}`));
      cursor = page.next_cursor;
    } while (cursor !== null);
    const waiting = "waiting 0 false";
    expect(items).toEqual([waiting, waiting, waiting, "rewarded 10 true", "rewarded 10 true"]);
  });

  test("X6 shows a stranger nothing of it, also from a place in the owner's list", async () => {
    const app = product();
    const [owner, stranger] = [await app.signIn(), await app.signIn()];
    await broughtBy(app, owner);
    const seen = await seenBy(app, owner);
    for (const query of ["", `?cursor=${seen.items[0]?.id}`, `?cursor=${newId()}`]) {
      const others = await seenBy(app, stranger, query);
      expect(others).toMatchObject({ invited: 0, rewarded: 0, credits_earned: 0, items: [], next_cursor: null });
      for (const trace of [seen.code, owner.id, seen.items[0]?.id ?? ""]) {
        expect(JSON.stringify(others)).not.toContain(trace);
      }
    }
    expect((await app.request("/referrals")).status).toBe(401);
    expect((await app.request("/referrals?user_id=1", { as: stranger })).status).toBe(422);
  });
});
