import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { consents } from "../../../src/features/profile/tables.ts";
import { type Person, startTestApp, type TestApp } from "../../support/app.ts";
import { picture, uploadForm } from "../../support/pictures.ts";

const TERMS = { TERMS_VERSION: "2026-11-01", TERMS_URL: "https://app.example.org/terms" };

const accept = (app: TestApp, as: Person, version: string) =>
  app.request("/profile/consent", { method: "POST", as, json: { version } });
const consentOf = async (app: TestApp, as: Person) =>
  ((await (await app.request("/profile", { as })).json()) as { consent: Record<string, unknown> }).consent;
const upload = async (app: TestApp, as: Person, path = "/editing/upload") => {
  const name = path.startsWith("/editing") ? "photo" : "user_photo";
  const body = uploadForm({ [name]: { bytes: await picture() } });
  return app.request(path, { method: "POST", as, body });
};

describe("consent", () => {
  test("is neither asked for nor taken where no terms are set", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    expect(await consentOf(app, person)).toEqual({
      terms_version: null,
      terms_url: null,
      accepted_version: null,
      accepted_at: null,
      required: false,
    });
    expect((await upload(app, person)).status).toBe(200);
    const refused = await accept(app, person, "2026-11-01");
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: "terms_changed", terms_version: null }]);
  });

  test("comes before the first photo and the first message, and leaves nothing behind before that", async () => {
    const app = await startTestApp({ settings: TERMS });
    const person = await app.signIn({ languageCode: "ru" });
    const message = () =>
      app.request("/editing/chat", { method: "POST", as: person, json: { message: "make it brighter" } });
    for (const answer of [await upload(app, person), await upload(app, person, "/fitting/upload"), await message()]) {
      const problem = (await answer.json()) as Record<string, unknown>;
      expect([answer.status, problem.code]).toEqual([403, "consent_required"]);
      expect(problem).toMatchObject({ terms_version: TERMS.TERMS_VERSION, terms_url: TERMS.TERMS_URL });
      expect(String(problem.detail)).toStartWith("Сначала примите");
    }
    for await (const _file of app.ctx.storage.list()) throw new Error("a photo was stored without consent");
    const answer = await accept(app, person, "2026-11-01");
    expect(await answer.json()).toEqual({
      terms_version: "2026-11-01",
      terms_url: TERMS.TERMS_URL,
      accepted_version: "2026-11-01",
      accepted_at: app.clock.now().toISOString(),
      required: false,
    });
    expect((await upload(app, person)).status).toBe(200);
  });

  test("is for the version in force only, once for each, with the first time", async () => {
    const app = await startTestApp({ settings: TERMS });
    const person = await app.signIn();
    for (const version of ["2025-01-01", "", "x".repeat(65)]) {
      expect((await accept(app, person, version)).status).toBe(version === "2025-01-01" ? 409 : 422);
    }
    const firstAt = app.clock.now();
    await accept(app, person, "2026-11-01");
    app.clock.advance(60_000);
    await Promise.all([accept(app, person, "2026-11-01"), accept(app, person, "2026-11-01")]);
    const rows = await app.ctx.db.select().from(consents).where(eq(consents.userId, person.id));
    expect(rows.map((row) => [row.version, row.acceptedAt])).toEqual([["2026-11-01", firstAt]]);
  });

  test("is asked for again when the terms change, and both times are kept", async () => {
    const before = await startTestApp({ settings: TERMS });
    const person = await before.signIn();
    await accept(before, person, "2026-11-01");
    const after = await startTestApp({
      settings: { ...TERMS, TERMS_VERSION: "2027-01-01" },
      database: before.database,
      clock: before.clock,
    });
    expect(await consentOf(after, person)).toMatchObject({ accepted_version: "2026-11-01", required: true });
    expect((await upload(after, person)).status).toBe(403);
    after.clock.advance(1);
    await accept(after, person, "2027-01-01");
    expect(await consentOf(after, person)).toMatchObject({ accepted_version: "2027-01-01", required: false });
    expect(await after.ctx.db.select().from(consents)).toHaveLength(2);
  });

  test("is refused to strangers, and one's own is nobody else's", async () => {
    const app = await startTestApp({ settings: TERMS });
    const stranger = await app.request("/profile/consent", { method: "POST", json: { version: "2026-11-01" } });
    expect(stranger.status).toBe(401);
    const [one, other] = [await app.signIn(), await app.signIn()];
    await accept(app, one, "2026-11-01");
    expect(await consentOf(app, other)).toMatchObject({ accepted_version: null, required: true });
  });
});
