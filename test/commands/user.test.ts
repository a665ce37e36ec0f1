import { describe, expect, test } from "bun:test";
import { type Person, startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { lane } from "../support/database.ts";
import { until } from "../support/until.ts";
import { runProgram, settingsOf } from "./program.ts";

// The commands use the machine's clock, so the product beside them does too.
const app = await startTestApp({ clock: createTestClock(new Date()) });

const run = (...words: string[]) => runProgram(words, { environment: settingsOf(app.database) });

async function creditsOf(person: Person): Promise<number> {
  const answer = (await (await app.request("/balance", { as: person })).json()) as { credits: number };
  return answer.credits;
}

describe("atelier user grant", () => {
  test("gives credits, which the person sees at once, and keeps the reason in the journal", async () => {
    const person = await app.signIn();
    const id = String(person.telegramId);
    const { code, out, err } = await run("user", "grant", id, "7", "--reason", "lost a  picture", "--key", `t-${id}`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(`Granted 7 gift credits to ${id}.\nBalance: 7 credits. Key: t-${id}\n`);
    expect(await creditsOf(person)).toBe(7);
    const shown = await run("user", "show", id);
    expect(shown.out).toContain(`grant:operator:t-${id} (lost a picture)`);
  });

  test("the same key grants once, however often and however many at once", async () => {
    const person = await app.signIn();
    const words = ["user", "grant", String(person.telegramId), "5", "--key", `once-${person.telegramId}`];
    const results = await Promise.all([run(...words), run(...words), run(...words)]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(results.filter(({ out }) => out.startsWith("Granted 5"))).toHaveLength(1);
    expect(results.filter(({ out }) => out.startsWith("Granted earlier"))).toHaveLength(2);
    expect(await creditsOf(person)).toBe(5);
  });

  test("a key that was used for something else is refused and changes nothing", async () => {
    const [person, other] = [await app.signIn(), await app.signIn()];
    const key = `mine-${person.telegramId}`;
    await run("user", "grant", String(person.telegramId), "5", "--key", key);
    for (const words of [
      [String(person.telegramId), "6"],
      [String(other.telegramId), "5"],
      [String(person.telegramId), "5", "--kind", "pack"],
      [String(person.telegramId), "5", "--expires", "2099-12-31"],
    ]) {
      const { code, out, err } = await run("user", "grant", ...words, "--key", key);
      expect({ words, code, out }).toEqual({ words, code: 2, out: "" });
      expect(err).toContain(`5 gift credits to ${person.telegramId}`);
    }
    expect([await creditsOf(person), await creditsOf(other)]).toEqual([5, 0]);
  });

  test("without a key each call grants anew", async () => {
    const person = await app.signIn();
    for (const _time of [1, 2]) await run("user", "grant", String(person.telegramId), "3", "--kind", "referral");
    expect(await creditsOf(person)).toBe(6);
  });

  test("credits end with the Moscow day that --expires names", async () => {
    const person = await app.signIn();
    const { out } = await run("user", "grant", String(person.telegramId), "4", "--expires", "2099-12-31");
    expect(out).toContain("to be spent before 2099-12-31 21:00:00 UTC");
    const balance = await (await app.request("/balance", { as: person })).json();
    expect(balance).toMatchObject({ credits: 4, next_expiry: { credits: 4, at: "2099-12-31T21:00:00.000Z" } });
  });

  test("a person who never signed in is named in a sentence, with exit code 2 and nothing written", async () => {
    for (const words of [
      ["user", "grant", "424242424242", "5"],
      ["user", "show", "424242424242"],
    ]) {
      const { code, out, err } = await run(...words);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toBe(
        "atelier: Nobody with the Telegram id 424242424242 has signed in yet. They have to open the app once; then this works.\n",
      );
    }
  });

  test("bad values are refused before anything happens", async () => {
    const person = await app.signIn();
    const id = String(person.telegramId);
    const cases: Array<[string[], string]> = [
      [[id, "0"], "<credits> must be a whole number from 1 to 100000"],
      [[id, "-5"], "Unknown option '-5'"],
      [[id, "1.5"], "<credits> must be a whole number"],
      [[id, "5", "--kind", "plan"], "--kind must be one of gift, pack, referral"],
      [[id, "5", "--expires", "2026-11-31"], "--expires must be a date such as 2026-12-31"],
      [[id, "5", "--expires", "tomorrow"], "--expires must be a date such as 2026-12-31"],
      [[id, "5", "--expires", "2020-01-01"], "--expires must be today or later"],
      [[id, "5", "--key", "two words"], "--key must be 1 to 100 visible ASCII characters"],
      [[id, "5", "--reason", "x".repeat(201)], "--reason must have at most 200 characters"],
    ];
    for (const [words, sentence] of cases) {
      const { code, err } = await run("user", "grant", ...words);
      expect({ words, code }).toEqual({ words, code: 2 });
      expect(err).toContain(sentence);
    }
    expect(await creditsOf(person)).toBe(0);
  });

  const way = lane === "postgres" ? "through NOTIFY, without waiting for the poll" : "through the poll";
  test(`an open live connection hears of the grant, ${way}`, async () => {
    const person = await app.signIn();
    await app.listen();
    const woken: string[] = [];
    const unsubscribe = app.ctx.wakeUps.subscribe("live", (keys) => woken.push(...(keys ?? [])));
    const waiting = app.request("/live/events?since=0&wait=15", { as: person });
    expect((await run("user", "grant", String(person.telegramId), "9")).code).toBe(0);
    const { events } = (await (await waiting).json()) as { events: Array<{ type: string; data: unknown }> };
    expect(events).toMatchObject([{ type: "balance.changed", data: { credits: 9, reserved: 0, reason: "grant" } }]);
    if (lane === "postgres") await until(() => woken.includes(person.id), "the notice of the other process");
    else expect(woken).not.toContain(person.id);
    unsubscribe();
  }, 60_000);
});

describe("atelier user show", () => {
  test("shows profile, balance, last entries and sessions", async () => {
    const person = await app.signIn({ firstName: "Анна", languageCode: "ru" });
    const id = String(person.telegramId);
    await run("user", "grant", id, "3", "--kind", "pack");
    const { code, out } = await run("user", "show", id);
    expect(code).toBe(0);
    expect(out).toMatch(/^person +Анна$/m);
    expect(out).toMatch(/^credits +3, and 0 reserved$/m);
    expect(out).toMatch(/grant +pack +\+3 +0 +0 +grant:operator:/);
    expect(out).toContain("Pictures in work: none");
    const card = JSON.parse((await run("user", "show", id, "--json")).out);
    expect(card).toMatchObject({
      profile: { id: person.id, telegram_id: person.telegramId, language: "ru", banned_at: null },
      balance: { credits: 3, reserved: 0, subscription: null, free_actions: { used: 0 } },
      entries: [{ kind: "grant", action: "pack", credits: 3 }],
      active_generations: [],
    });
    expect(card.sessions).toHaveLength(1);
    // A card is for looking at people, not for becoming them.
    expect(JSON.stringify(card)).not.toContain(person.refreshToken);
  });

  test("a session that ended is not shown", async () => {
    const person = await app.signIn();
    await app.request("/auth/logout", { method: "POST", as: person, json: {} });
    const card = JSON.parse((await run("user", "show", String(person.telegramId), "--json")).out);
    expect(card.sessions).toEqual([]);
  });
});
