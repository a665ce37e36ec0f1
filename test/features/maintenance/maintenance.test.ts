import { describe, expect, test } from "bun:test";
import { maintenanceOf, switchMaintenance } from "../../../src/features/maintenance/index.ts";
import { maintenanceSwitches } from "../../../src/features/maintenance/tables.ts";
import { OperatorError } from "../../../src/platform/errors.ts";
import { startTestApp, type TestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { createTestDatabase } from "../../support/database.ts";
import { finish, order, ordered, uploadPhotos } from "../../support/fitting.ts";

const NOTICE = { ru: "Переезжаем, вернёмся к полудню.", en: "We are moving house. Back at noon." };

const on = (app: TestApp, notice?: { ru: string | null; en: string | null }) =>
  switchMaintenance(app.ctx, {
    isOn: true,
    reason: "moving the database",
    changedBy: "command",
    ...(notice === undefined ? {} : { notice }),
  });
const off = (app: TestApp) => switchMaintenance(app.ctx, { isOn: false, reason: "", changedBy: "command" });

const statusFor = async (app: TestApp, language = "en") => {
  const answer = await app.request("/status", { headers: { "accept-language": language } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { maintenance: { since: string | null; notice: string | null } | null }).maintenance;
};

test("the status says where the app opens in Telegram, whom to ask, and that this is no sandbox", async () => {
  const answerWith = async (settings: Record<string, string>) =>
    (await (await startTestApp({ settings })).request("/status")).json();
  expect(await answerWith({ TELEGRAM_BOT_NAME: "atelier_bot", TELEGRAM_APP_NAME: "app" })).toEqual({
    maintenance: null,
    sandbox: false,
    app_link: "https://t.me/atelier_bot/app",
    support_contact: null,
  });
  expect(await answerWith({ TELEGRAM_BOT_NAME: "atelier_bot", TELEGRAM_APP_NAME: "" })).toMatchObject({
    app_link: "https://t.me/atelier_bot",
  });
  expect(await answerWith({ TELEGRAM_BOT_NAME: "" })).toMatchObject({ app_link: null });
  expect(await answerWith({ SUPPORT_CONTACT: "@help_desk" })).toMatchObject({ support_contact: "@help_desk" });
});

describe("the maintenance switch", () => {
  test("refuses new pictures at once and takes them again at once, without a restart and without a charge", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photos = await uploadPhotos(app, person);
    expect(await statusFor(app)).toBeNull();
    await on(app, NOTICE);
    const refused = await order(app, person, photos);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      code: "generation_unavailable",
      reason: "maintenance",
      notice: NOTICE,
    });
    const balance = (await (await app.request("/balance", { as: person })).json()) as {
      free_actions: { used: number };
    };
    expect(balance.free_actions.used).toBe(0);
    await off(app);
    expect((await order(app, person, photos)).status).toBe(202);
    expect(await statusFor(app)).toBeNull();
  });

  test("refuses every way to order, and nothing else", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const made = await ordered(app, person);
    const running = await ordered(app, person);
    await finish(app, person, made.id);
    await on(app);
    const post = (path: string, json: object) => app.request(path, { method: "POST", as: person, json });
    for (const asked of [
      post(`/generations/${made.id}/retry`, {}),
      post("/editing/chat", { message: "make it brighter" }),
      post("/editing/generate", { generation_id: made.id, prompt: "make it brighter" }),
    ]) {
      const answer = await asked;
      expect([answer.status, await answer.json()]).toMatchObject([503, { reason: "maintenance" }]);
    }
    // What was ordered before is made, seen, fetched; people sign in, buy, upload, reset.
    const ended = await finish(app, person, running.id);
    expect(ended.status).toBe("succeeded");
    expect((await app.request(new URL(ended.image_url ?? "").pathname)).status).toBe(200);
    await app.signIn();
    await uploadPhotos(app, person);
    for (const path of ["/profile", "/balance", "/generations", "/plans", "/payments", "/live/events"]) {
      expect([path, (await app.request(path, { as: person })).status]).toEqual([path, 200]);
    }
    expect((await post("/payments/create", { product: "pack_20" })).status).toBe(201);
    expect((await post("/payments/webhook", { event: "x", object: { id: "x" } })).status).toBe(200);
    expect((await post("/editing/reset", {})).status).toBe(200);
  });

  test("is told in the language of the request, and in the other where the owner wrote only that", async () => {
    const app = await startTestApp();
    await on(app, NOTICE);
    expect((await statusFor(app, "ru"))?.notice).toBe(NOTICE.ru);
    expect(await statusFor(app, "en")).toEqual({ since: app.clock.now().toISOString(), notice: NOTICE.en });
    await on(app, { ru: NOTICE.ru, en: null });
    expect((await statusFor(app, "en"))?.notice).toBe(NOTICE.ru);
    await on(app);
    expect((await statusFor(app))?.notice).toBeNull();
    // Why is between the owner and the operators.
    expect(JSON.stringify(await statusFor(app))).not.toContain("database");
    await expect(on(app, { ru: "x".repeat(501), en: null })).rejects.toThrow(OperatorError);
    expect((await statusFor(app))?.notice).toBeNull();
  });

  test("is one row, which says who and why; an order that was rolled back has switched nothing", async () => {
    const app = await startTestApp();
    await on(app, NOTICE);
    app.clock.advance(60_000);
    await off(app);
    await on(app);
    const rows = await app.ctx.db.select().from(maintenanceSwitches);
    expect(rows).toMatchObject([{ isOn: true, reason: "moving the database", changedBy: "command", noticeRu: null }]);
    expect(rows[0]?.changedAt).toEqual(app.clock.now());
    const undone = app.ctx.transaction(async (tx) => {
      await switchMaintenance(tx, { isOn: false, reason: "", changedBy: "command" });
      throw new Error("rolled back");
    });
    await expect(undone).rejects.toThrow("rolled back");
    expect(await maintenanceOf(app.ctx)).toMatchObject({ isOn: true, by: "switch" });
  });

  test("is felt by a process that never heard of it, within seconds", async () => {
    const database = await createTestDatabase();
    const clock = createTestClock();
    const one = await startTestApp({ database, clock });
    const other = await startTestApp({ database, clock });
    expect([await statusFor(one), await statusFor(other)]).toEqual([null, null]);
    // Neither of the two listens to the other here, as if the wake-up had been lost.
    await on(one);
    expect(await statusFor(one)).not.toBeNull();
    expect(await statusFor(other)).toBeNull();
    await Bun.sleep(3_100);
    expect(await statusFor(other)).not.toBeNull();
    for (const app of [one, other]) await app.close();
    await database.remove();
  }, 60_000);

  test("asks the database once for many orders", async () => {
    const app = await startTestApp();
    await maintenanceOf(app.ctx);
    let asked = 0;
    const db = {
      select() {
        asked += 1;
        return app.ctx.db.select();
      },
    };
    for (let each = 0; each < 50; each += 1) await maintenanceOf({ ...app.ctx, db } as unknown as typeof app.ctx);
    expect(asked).toBe(0);
  });

  test("cannot end what the setting began", async () => {
    const app = await startTestApp({ settings: { MAINTENANCE: "on" } });
    expect(await off(app)).toEqual({ isOn: true, by: "setting" });
    expect(await statusFor(app)).toEqual({ since: null, notice: null });
    const person = await app.signIn();
    expect((await order(app, person, await uploadPhotos(app, person))).status).toBe(503);
  });
});
