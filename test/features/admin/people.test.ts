import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { verifyLedger } from "../../../src/features/billing/index.ts";
import { users } from "../../../src/features/profile/index.ts";
import { balance } from "../../support/fitting.ts";
import { usePanelTeam } from "../../support/panel-team.ts";

const panel = usePanelTeam();

describe("what an operator does about people", () => {
  test("credits are given once for a key, with an entry in the trail beside the grant", async () => {
    const { app, team, ask, trailOf } = panel();
    const person = await app.signIn();
    const body = { credits: 7, reason: "lost a picture" };
    const grant = () => ask(`/people/${person.id}/grant`, body, team.support, { "idempotency-key": `g-${person.id}` });
    const trail = await trailOf(async () => {
      expect((await grant()).body).toEqual({ credits: 7, balance: 7 });
      expect((await grant()).body).toEqual({ credits: 7, balance: 7 });
    });
    expect(await balance(app, person)).toMatchObject({ credits: 7 });
    expect(trail).toHaveLength(1);
    expect(trail[0]).toMatchObject({
      operatorId: team.support.id,
      action: "person.grant",
      personId: person.id,
      reason: "lost a picture",
      before: { balance: 0 },
      after: { balance: 7, credits: 7, kind: "gift", expires_on: null },
    });
    expect(trail[0]?.requestId).toMatch(/^[\w.-]{8,64}$/);
    for (const wrong of [
      { credits: 0 },
      { credits: 1.5 },
      { credits: 100_001 },
      { credits: 1, expires_on: "2020-01-01" },
      { credits: 1, expires_on: "2099-02-31" },
      { credits: 1, kind: "plan" },
    ]) {
      const refused = await trailOf(async () => {
        expect((await ask(`/people/${person.id}/grant`, { ...wrong, reason: "wrong one" })).status).toBe(422);
      });
      expect(refused).toEqual([]);
    }
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("a blocked person is out at once, and in again after; operators cannot be blocked", async () => {
    const { app, team, ask, trailOf } = panel();
    const { request, signIn } = app;
    const person = await signIn();
    const reason = "spam in prompts";
    const trail = await trailOf(async () => {
      expect((await ask(`/people/${person.id}/ban`, { reason }, team.support)).body).toMatchObject({ id: person.id });
      expect((await request("/profile", { as: person })).status).toBe(401);
      expect((await ask(`/people/${person.id}/ban`, { reason })).status).toBe(409);
      expect((await ask(`/people/${person.id}`)).body).toMatchObject({ ban_reason: reason, sessions: [] });
      expect((await ask(`/people?only=banned`)).body.items?.map((one) => one.id)).toContain(person.id);
      expect((await ask(`/people/${person.id}/unban`, { reason: "was a mistake" }, team.support)).status).toBe(200);
      expect((await ask(`/people/${person.id}/unban`, { reason: "was a mistake" })).status).toBe(409);
      for (const operator of [team.owner, team.viewer, team.support]) {
        expect((await ask(`/people/${operator.id}/ban`, { reason }, team.support)).body.code).toBe("forbidden");
      }
    });
    expect(trail.map((entry) => entry.action)).toEqual(["person.unban", "person.ban"]);
    expect(trail[1]).toMatchObject({ before: { banned: false, sessions: 1 }, after: { banned: true, sessions: 0 } });
    const back = await signIn({ telegramId: person.telegramId });
    expect((await request("/profile", { as: back })).status).toBe(200);
    const out = await trailOf(() => ask(`/people/${person.id}/logout`, { reason: "lost the phone" }, team.support));
    expect(out).toMatchObject([{ action: "person.logout", before: { sessions: 1 }, after: { sessions: 0 } }]);
    expect((await request("/profile", { as: back })).status).toBe(401);
  });

  test("a message goes out through the bot as plain text, and its words are not in the trail", async () => {
    const { app, team, ask, trailOf } = panel();
    const { ctx, signIn, telegram, work } = app;
    const person = await signIn();
    telegram.start(person.telegramId);
    const text = "Look <b>here</b> {credits} *now*";
    const key = { "idempotency-key": `m-${person.id}` };
    const write = () => ask(`/people/${person.id}/message`, { text, reason: "asked by mail" }, team.support, key);
    const trail = await trailOf(async () => {
      expect((await write()).status).toBe(202);
      expect((await write()).status).toBe(202);
    });
    expect(trail).toMatchObject([{ action: "person.message", after: { characters: text.length } }]);
    expect(JSON.stringify(trail)).not.toContain("here");
    await work();
    const sent = telegram.messages(person.telegramId).filter((one) => one.from === "bot");
    expect(sent.map((one) => one.text)).toEqual([`From support:\n\n${text}`]);
    await ctx.db.update(users).set({ writeState: "blocked" }).where(eq(users.id, person.id));
    const refused = await trailOf(async () => {
      expect((await ask(`/people/${person.id}/message`, { text, reason: "once more" })).body.code).toBe(
        "bot_cannot_write",
      );
    });
    expect(refused).toEqual([]);
  });

  test("people are found by number, id, username and the beginning of a name in either alphabet, page by page", async () => {
    const { app, ask } = panel();
    const { ctx, signIn } = app;
    const zoya = await signIn({ firstName: "Зоя Ёлкина" });
    const others = [];
    for (let number = 0; number < 5; number += 1) others.push(await signIn({ firstName: `Ефросинья ${number}` }));
    const found = async (search: string) =>
      ((await ask(`/people?search=${encodeURIComponent(search)}`)).body.items ?? []).map((one) => one.id);
    expect(await found(String(zoya.telegramId))).toEqual([zoya.id]);
    expect(await found(zoya.id)).toEqual([zoya.id]);
    expect(await found("зоя е")).toEqual([zoya.id]);
    expect(await found("ЗОЯ")).toEqual([zoya.id]);
    expect(await found("оя")).toEqual([]);
    await ctx.db
      .update(users)
      .set({ username: "Zoya_1", usernameKey: Buffer.from("zoya_1").toString("hex") })
      .where(eq(users.id, zoya.id));
    expect(await found("@zoya")).toEqual([zoya.id]);
    expect(await found("@zoyax")).toEqual([]);
    const pages: unknown[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page += 1) {
      const { body } = await ask(`/people?search=${encodeURIComponent("ефрос")}&limit=2${cursor}`);
      pages.push(...(body.items ?? []).map((one) => one.id));
      cursor = `&cursor=${String(body.next_cursor)}`;
      expect(body.next_cursor === null).toBe(page === 2);
    }
    expect(pages).toEqual(others.map((one) => one.id));
  });
});
