import { describe, expect, test } from "bun:test";
import { grantCredits } from "../../src/features/billing/index.ts";
import { startTestApp } from "../support/app.ts";
import { finish, order, ordered, uploadPhotos } from "../support/fitting.ts";
import { checkAnswer, checkingAnswers } from "../support/openapi.ts";
import { uploadForm } from "../support/pictures.ts";

/** Each request here goes through `checkingAnswers`: an answer unlike the API's description throws. */
const startCheckedApp = async (settings: Record<string, string> = {}) =>
  checkingAnswers(await startTestApp({ settings }));

describe("answers are what the API's description promises", () => {
  test("through a try-on from the sign-in to the picture's end", async () => {
    const app = await startCheckedApp();
    const person = await app.signIn();
    for (const path of ["/profile", "/balance", "/balance/entries", "/fitting/zones", "/generations", "/live/events"]) {
      expect((await app.request(path, { as: person })).status).toBe(200);
    }
    await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 5, source: "test" });
    const generation = await ordered(app, person);
    const ended = await finish(app, person, generation.id);
    expect((await app.request(new URL(ended.image_url ?? "").pathname)).status).toBe(200);
    expect((await app.request("/generations?limit=1&status=succeeded", { as: person })).status).toBe(200);
    expect((await app.request("/balance/entries?limit=2", { as: person })).status).toBe(200);
    expect((await app.request("/live/events?since=0", { as: person })).status).toBe(200);
    expect((await app.request(`/generations/${ended.id}/cancel`, { method: "POST", as: person })).status).toBe(200);
    const again = { method: "POST", as: person, headers: { "idempotency-key": "again" } };
    for (const replayed of [null, "true"]) {
      const retried = await app.request(`/generations/${ended.id}/retry`, again);
      expect(retried.status).toBe(202);
      expect(retried.headers.get("idempotency-replayed")).toBe(replayed);
    }
    expect((await app.request("/live/ticket", { method: "POST", as: person })).status).toBe(200);
    expect((await app.request(`/generations/${ended.id}`, { method: "DELETE", as: person })).status).toBe(204);
    const refresh = { method: "POST", json: { refresh_token: person.refreshToken } };
    expect((await app.request("/auth/refresh", refresh)).status).toBe(200);
    expect((await app.request("/auth/logout", { method: "POST", as: person })).status).toBe(204);
  });

  test("when something is refused", async () => {
    const app = await startCheckedApp({ FREE_ACTIONS_PER_MONTH: "1" });
    const person = await app.signIn({ languageCode: "ru" });
    const photos = await uploadPhotos(app, person);
    const text = { "content-type": "text/plain" };
    const json = { "content-type": "application/json" };
    const post = (path: string, more: object) => app.request(path, { method: "POST", as: person, ...more });
    const statusOf = async (answer: Promise<Response>) => (await answer).status;

    expect(await statusOf(app.request("/balance"))).toBe(401);
    expect(await statusOf(app.request("/auth/telegram", { method: "POST", json: { init_data: "made up" } }))).toBe(401);
    expect(await statusOf(app.request("/generations/nothing", { as: person }))).toBe(404);
    expect(await statusOf(app.request("/generations?limit=0", { as: person }))).toBe(422);
    expect(await statusOf(app.request("/generations?cursor=made-up", { as: person }))).toBe(422);
    expect(await statusOf(post("/fitting/generate", { body: "{", headers: json }))).toBe(400);
    expect(await statusOf(post("/fitting/generate", { body: "text", headers: text }))).toBe(415);
    expect(await statusOf(post("/fitting/generate", { body: `"${"x".repeat(70_000)}"`, headers: json }))).toBe(413);
    expect(await statusOf(post("/fitting/generate", { json: { zone: 1 } }))).toBe(422);
    expect(await statusOf(order(app, person, photos, { note: "naked" }))).toBe(422);
    expect(await statusOf(post("/fitting/upload", { body: "text", headers: text }))).toBe(415);
    const notAPicture = uploadForm({ user_photo: { bytes: new Uint8Array(200) } });
    expect(await statusOf(post("/fitting/upload", { body: notAPicture }))).toBe(415);
    const tooLarge = uploadForm({ user_photo: { bytes: new Uint8Array(6 * 1024 * 1024) } });
    expect(await statusOf(post("/fitting/upload", { body: tooLarge }))).toBe(413);
    expect(await statusOf(app.request("/files/made-up"))).toBe(404);
    expect(await statusOf(app.request("/kie/callback/made-up", { method: "POST", json: {} }))).toBe(404);

    expect(await statusOf(order(app, person, photos, { key: "one" }))).toBe(202);
    expect(await statusOf(order(app, person, photos, { key: "one", zone: "bottom" }))).toBe(422);
    expect(await statusOf(order(app, person, photos))).toBe(402);
    const { items } = (await (await app.request("/generations", { as: person })).json()) as { items: [{ id: string }] };
    expect(await statusOf(app.request(`/generations/${items[0].id}`, { method: "DELETE", as: person }))).toBe(409);
    app.clock.advance(25 * 60 * 60_000);
    const later = await app.signIn({ telegramId: person.telegramId });
    expect(await statusOf(order(app, later, photos))).toBe(410);
  });

  test("when the server takes no orders", async () => {
    const app = await startCheckedApp({ MAINTENANCE: "on" });
    const person = await app.signIn();
    const refused = await order(app, person, await uploadPhotos(app, person));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("and an answer that is not described would be noticed", async () => {
    const balance = { method: "GET", path: "/api/v1/balance" };
    const headers = { "content-type": "application/json", "x-request-id": "01a2044e-5070" };
    const check = (body: string, init: ResponseInit) => checkAnswer(new Response(body, init), balance);
    await expect(check("{}", { status: 418, headers })).rejects.toThrow("not described");
    await expect(check("{}", { status: 200, headers: { "content-type": "application/json" } })).rejects.toThrow(
      "without X-Request-Id",
    );
    await expect(check("{}", { status: 200, headers })).rejects.toThrow("/credits is missing");
    await expect(check("text", { status: 200, headers: { ...headers, "content-type": "text/plain" } })).rejects.toThrow(
      "text/plain",
    );
    const foreign = JSON.stringify({ code: "not_found" });
    const problem = { ...headers, "content-type": "application/problem+json", "www-authenticate": "Bearer" };
    await expect(check(foreign, { status: 401, headers: problem })).rejects.toThrow("/code: not_found is not allowed");
  });
});
