import { describe, expect, test } from "bun:test";
import { useTestApp } from "../../support/app.ts";

const shared = useTestApp();

const change = (person: { token: string } | undefined, json: unknown) =>
  shared().request("/profile", { method: "PATCH", as: person as never, json });

describe("PATCH /profile", () => {
  test("changes what is given, leaves the rest, and answers the profile as it is now", async () => {
    const person = await shared().signIn({ languageCode: "ru" });
    const before = (await (await shared().request("/profile", { as: person })).json()) as Record<string, unknown>;
    expect(before).toMatchObject({ language: "ru", notifications: { results: true, news: true } });

    const first = await change(person, { language: "en" });
    expect([first.status, await first.json()]).toEqual([200, { ...before, language: "en" }]);
    const second = await change(person, { notify_results: false });
    const expected = { ...before, language: "en", notifications: { results: false, news: true } };
    expect([second.status, await second.json()]).toEqual([200, expected]);
    await change(person, { notify_results: true, notify_news: false, language: "ru" });
    expect(await (await shared().request("/profile", { as: person })).json()).toEqual({
      ...before,
      notifications: { results: true, news: false },
    });
  });

  test("the new language holds for refusals at once", async () => {
    const person = await shared().signIn({ languageCode: "ru" });
    const detail = async () =>
      ((await (await shared().request("/generations/x", { as: person })).json()) as { detail: string }).detail;
    expect(await detail()).toMatch(/[а-яё]/i);
    await change(person, { language: "en" });
    expect(await detail()).not.toMatch(/[а-яё]/i);
  });

  test("refuses unknown members, wrong kinds and nothing at all, and changes nothing then", async () => {
    const person = await shared().signIn();
    const before = await (await shared().request("/profile", { as: person })).json();
    for (const json of [
      {},
      { language: "de" },
      { language: null },
      { notify_results: "yes" },
      { notify_news: 1 },
      { language: "ru", first_name: "Root" },
      { telegram_write_state: "enabled" },
      { balance_credits: 1_000_000 },
      { notify_results: false, telegram_id: 1 },
    ]) {
      const answer = await change(person, json);
      expect([json, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        json,
        422,
        "validation_failed",
      ]);
    }
    expect(await (await shared().request("/profile", { as: person })).json()).toEqual(before as object);
  });

  test("touches nobody else, and asks who is there", async () => {
    const [person, other] = [await shared().signIn(), await shared().signIn()];
    const before = await (await shared().request("/profile", { as: other })).json();
    await change(person, { language: "ru", notify_news: false, notify_results: false });
    expect(await (await shared().request("/profile", { as: other })).json()).toEqual(before as object);
    expect((await change(undefined, { language: "ru" })).status).toBe(401);
  });
});
