import { describe, expect, test } from "bun:test";
import { grantCredits } from "../../src/features/billing/index.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { said, say, uploadEditPhoto } from "../support/editing.ts";
import { balance, finish, ordered } from "../support/fitting.ts";

interface Session {
  session_id: string;
  photo: { id: string; url: string } | null;
  generation_id?: string;
  messages: Array<{ content: string; image_url: string | null }>;
}

async function sessionOf(app: TestApp, person: Person, id: string): Promise<Session> {
  return (await (await app.request(`/editing/sessions/${id}`, { as: person })).json()) as Session;
}

function generate(app: TestApp, person: Person, json: Record<string, unknown>): Promise<Response> {
  return app.request("/editing/generate", { method: "POST", as: person, json });
}

async function edited(app: TestApp, person: Person, json: Record<string, unknown>) {
  const answer = await generate(app, person, json);
  return finish(app, person, ((await answer.json()) as { id: string }).id);
}

async function picturesIn(app: TestApp, person: Person, sessionId: string): Promise<string[]> {
  const answer = await app.request(`/generations?session_id=${sessionId}`, { as: person });
  return ((await answer.json()) as { items: Array<{ id: string }> }).items.map(({ id }) => id);
}

describe("what a conversation is about", () => {
  test("a photo, then a picture that was made of it: the session says both, and its pictures can be listed", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photo = await uploadEditPhoto(app, person);
    const { session_id } = await said(app, person, { message: "make it red", photo_id: photo.id });
    const first = await sessionOf(app, person, session_id);
    expect(first.photo).toMatchObject({ id: photo.id });
    expect(first.generation_id).toBeUndefined();

    const picture = await edited(app, person, { session_id, photo_id: photo.id, prompt: "red" });
    await edited(app, person, { photo_id: photo.id, prompt: "in no conversation" });
    await said(app, person, { message: "now blue", session_id, generation_id: picture.id });
    expect(app.openRouter.stats().requests.at(-1)?.imageBytes).toBeGreaterThan(0);
    const second = await sessionOf(app, person, session_id);
    expect(second).toMatchObject({ photo: { id: photo.id }, generation_id: picture.id });
    expect(second.messages.map(({ image_url: url }) => url !== null)).toEqual([true, false, false, false]);
    expect(await picturesIn(app, person, session_id)).toEqual([picture.id]);
    const stranger = await app.signIn();
    expect(await picturesIn(app, stranger, session_id)).toEqual([]);
    expect(await picturesIn(app, person, "no-conversation-at-all")).toEqual([]);
  });

  test("of a free person's result the assistant sees the clean copy, and the session links none of it", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const fitting = await finish(app, person, (await ordered(app, person)).id);
    expect(fitting.watermarked).toBe(true);
    const turn = await said(app, person, { message: "brighter", generation_id: fitting.id });
    expect(app.openRouter.stats().requests.at(-1)?.imageBytes).toBeGreaterThan(0);
    const session = await sessionOf(app, person, turn.session_id);
    expect(session).toMatchObject({ photo: null, generation_id: fitting.id });
    expect(JSON.stringify(session)).not.toContain("/files/");

    await app.request(`/generations/${fitting.id}`, { method: "DELETE", as: person });
    const later = await sessionOf(app, person, turn.session_id);
    expect([later.photo, later.generation_id]).toEqual([null, undefined]);
  });

  test("an order with own words decides it where nothing was said, and never changes it later", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const [photo, other] = [await uploadEditPhoto(app, person), await uploadEditPhoto(app, person, 300)];
    const fresh = await app.request("/editing/reset", { method: "POST", as: person, json: {} });
    const { session_id } = (await fresh.json()) as { session_id: string };
    expect((await sessionOf(app, person, session_id)).photo).toBeNull();
    await edited(app, person, { session_id, photo_id: photo.id, prompt: "red" });
    await edited(app, person, { session_id, photo_id: other.id, prompt: "blue" });
    expect((await sessionOf(app, person, session_id)).photo).toMatchObject({ id: photo.id });
    expect(await picturesIn(app, person, session_id)).toHaveLength(2);
  });

  test("the photo is not named any more once its time is over", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photo = await uploadEditPhoto(app, person);
    app.clock.advance(20 * 24 * 3_600_000);
    const again = await app.signIn({ telegramId: person.telegramId });
    const { session_id } = await said(app, again, { message: "make it red", photo_id: photo.id });
    expect((await sessionOf(app, again, session_id)).photo).not.toBeNull();
    app.clock.advance(11 * 24 * 3_600_000);
    const later = await app.signIn({ telegramId: person.telegramId });
    const session = await sessionOf(app, later, session_id);
    expect([session.photo, session.messages.length]).toEqual([null, 2]);
  });

  test("strangers' results and conversations are not found; photo and result together are refused", async () => {
    const app = await startTestApp();
    const [owner, stranger] = [await app.signIn(), await app.signIn()];
    const photo = await uploadEditPhoto(app, owner);
    const { session_id } = await said(app, owner, { message: "make it red", photo_id: photo.id });
    const picture = await edited(app, owner, { session_id, photo_id: photo.id, prompt: "red" });
    const theirs = await uploadEditPhoto(app, stranger);
    const statuses = await Promise.all([
      say(app, stranger, { message: "x", generation_id: picture.id }),
      generate(app, stranger, { session_id, photo_id: theirs.id, prompt: "in somebody's conversation" }),
      say(app, owner, { message: "x", generation_id: picture.id, photo_id: photo.id }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 422]);
    expect(await balance(app, stranger)).toMatchObject({ free_actions: { used: 0 } });
  });

  test("a message's own name makes it one turn by requests too, also while new ones are refused", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await app.signIn();
    await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 1, source: "test" });
    const first = await said(app, person, { message: "make it red", id: "mine" });
    const again = await said(app, person, { message: "make it red", id: "mine" });
    expect(again).toEqual(first);
    expect((await say(app, person, { message: "make it red", id: "other" })).status).toBe(402);
    expect(await balance(app, person)).toMatchObject({ credits: 0, reserved: 0 });
    expect(app.openRouter.stats().requests).toHaveLength(1);
    Object.assign(app.ctx.settings, { MAINTENANCE: "on" });
    expect((await say(app, person, { message: "make it red", id: "new" })).status).toBe(503);
    expect(await said(app, person, { message: "make it red", id: "mine" })).toEqual(first);
    Object.assign(app.ctx.settings, { MAINTENANCE: "off" });
    // The name is the person's own: somebody else's is another message.
    const other = await app.signIn();
    expect((await say(app, other, { message: "make it red", id: "mine" })).status).toBe(402);
  });
});
