import { describe, expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import { ownerAlerts, tellOwner } from "../../src/features/notifications/index.ts";
import { deletions, files } from "../../src/features/photos/index.ts";
import { type CleanupReport, cleanUp, erasures } from "../../src/features/privacy/index.ts";
import { departures } from "../../src/features/profile/tables.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { newStorageKey } from "../../src/platform/storage/storage.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { said, uploadEditPhoto } from "../support/editing.ts";
import { makeStorageFaulty } from "../support/faulty-storage.ts";
import { finish, order, type Photos, uploadPhotos } from "../support/fitting.ts";
import { accepted } from "../support/full-person.ts";
import { storedFiles } from "../support/traces.ts";

const run = (app: TestApp) => cleanUp(app.ctx, { dryRun: false });
const plan = (app: TestApp) => cleanUp(app.ctx, { dryRun: true });

async function alerts(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ reason: ownerAlerts.reason }).from(ownerAlerts)).map((alert) => alert.reason);
}

const inputs = (app: TestApp) =>
  app.ctx.db.select().from(files).where(sql`${files.purpose} in ('user_photo', 'item_photo')`);

/** A person whose try-on, done and failed, is 25 hours old. */
async function aDayLater(): Promise<{ app: TestApp; person: Person; photos: Photos; made: string; links: string[] }> {
  const app = await startTestApp();
  const early = await app.signIn();
  const photos = await uploadPhotos(app, early);
  const made = await accepted(order(app, early, photos));
  const view = await finish(app, early, made);
  expect(view.status).toBe("succeeded");
  app.kie.faults.set("kie.outcome", { mode: "moderated", times: 1 });
  const failed = await accepted(order(app, early, await uploadPhotos(app, early)));
  expect((await finish(app, early, failed)).status).toBe("failed");
  const links = [photos.user_photo.url, photos.item_photo.url].map((link) => new URL(link).pathname);
  for (const link of links) expect((await app.request(link)).status).toBe(200);
  app.clock.advance(25 * HOUR_MS);
  return { app, person: await app.signIn({ telegramId: early.telegramId }), photos, made, links };
}

/** Two uploaded photos, and so many further rows of pictures whose bytes are gone. */
async function storeRows(app: TestApp, person: Person, count: number): Promise<void> {
  const { user_photo } = await uploadPhotos(app, person);
  const [row] = await app.ctx.db.select().from(files).where(eq(files.id, user_photo.id));
  if (!row) throw new Error("an uploaded photo has a row");
  const many = Array.from({ length: count }, () => ({
    ...row,
    id: crypto.randomUUID(),
    storageKey: newStorageKey("photos", "jpg"),
  }));
  await app.ctx.db.insert(files).values(many);
}

describe("25 hours after a try-on", () => {
  test("X5 its photos are unreadable at once on every way, of a failed one too, and its picture is not", async () => {
    const { app, person, photos, made, links } = await aDayLater();
    expect(await inputs(app)).toHaveLength(4);
    for (const link of links) expect((await app.request(link)).status).toBe(404);
    const view = (await (await app.request(`/generations/${made}`, { as: person })).json()) as Record<string, unknown>;
    expect(Object.keys(view)).not.toContain("user_photo_url");
    expect(Object.keys(view)).not.toContain("item_photo_url");
    expect((await app.request(new URL(String(view.image_url)).pathname)).status).toBe(200);
    const codes = await Promise.all(
      [
        order(app, person, photos),
        app.request(`/generations/${made}/retry`, { method: "POST", as: person }),
        app.request("/editing/generate", {
          method: "POST",
          as: person,
          json: { photo_id: photos.user_photo.id, prompt: "brighter" },
        }),
      ].map(async (answer) => ((await (await answer).json()) as { code: string }).code),
    );
    expect(codes).toEqual(["photo_expired", "photo_expired", "photo_expired"]);
    for (const row of await inputs(app)) {
      for (const purpose of ["view", "provider"] as const) {
        const expiresAt = new Date(app.clock.now().getTime() + HOUR_MS);
        const token = app.ctx.links.sign({ fileId: row.id, ownerId: person.id, purpose, expiresAt });
        expect((await app.request(`/files/${token}`)).status).toBe(404);
      }
    }
    expect(storedFiles(app).size).toBe(8);
  });

  test("X5 they are gone after the cleanup, though the storage failed twice before", async () => {
    const { app, links } = await aDayLater();
    const storage = makeStorageFaulty(app);
    storage.refusals = 2;
    for (const failures of [1, 2]) {
      expect(await run(app)).toMatchObject({ files: 0, files_refused: 4, files_tried_again: failures === 1 ? 0 : 4 });
      for (const row of await inputs(app)) expect(row).toMatchObject({ deletedAt: null, deleteFailures: failures });
      for (const link of links) expect((await app.request(link)).status).toBe(404);
    }
    expect(await plan(app)).toMatchObject({ files: 4, files_tried_again: 4, files_refused: 0 });
    expect(await run(app)).toMatchObject({ files: 4, files_tried_again: 4, files_refused: 0 });
    const keys = (await inputs(app)).map((row) => row.storageKey);
    expect([...storedFiles(app).keys()].filter((key) => keys.includes(key))).toEqual([]);
    expect(await run(app)).toMatchObject({ files: 0, files_tried_again: 0, files_refused: 0 });
    const entries = await app.ctx.db.select().from(deletions);
    expect(entries.map((entry) => [entry.kind, entry.reason]).toSorted()).toEqual([
      ["item_photo", "retention"],
      ["item_photo", "retention"],
      ["user_photo", "retention"],
      ["user_photo", "retention"],
    ]);
    expect(storage.deletions).toHaveLength(12);
    expect(await alerts(app)).toEqual([]);
  });

  test("X5 the owner hears of a storage that goes on refusing: after three runs, and then once a day", async () => {
    const { app } = await aDayLater();
    const storage = makeStorageFaulty(app);
    storage.refusals = 25;
    const heard: number[] = [];
    for (let time = 1; time <= 25; time += 1) {
      const before = (await alerts(app)).length;
      await run(app);
      if ((await alerts(app)).length > before) heard.push(time);
    }
    expect(heard).toEqual([3, 24]);
    expect(new Set(await alerts(app))).toEqual(new Set(["storage_refuses_deletions"]));
    expect(await run(app)).toMatchObject({ files: 4, files_refused: 0 });
  });

  test("X5 a storage that is away is not asked for each of many pictures, and nothing is lost by that", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    await storeRows(app, person, 300);
    app.clock.advance(25 * HOUR_MS);
    const storage = makeStorageFaulty(app);
    storage.refusals = 1;
    expect(await run(app)).toMatchObject({ files: 0, files_refused: 50 });
    storage.refusals = 0;
    expect(await run(app)).toMatchObject({ files: 302, files_refused: 0, files_tried_again: 50 });
  });

  test("X5 a picture that the storage refuses is tried once in a run, however many others there are", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    await storeRows(app, person, 450);
    app.clock.advance(25 * HOUR_MS);
    const storage = makeStorageFaulty(app);
    const rows = await app.ctx.db.select().from(files).orderBy(files.expiresAt, files.id);
    const stubborn = rows.slice(0, 3).map((row) => row.storageKey);
    storage.stubborn = new Set(stubborn);
    expect(await run(app)).toMatchObject({ files: 449, files_refused: 3 });
    expect(storage.deletions).toHaveLength(452);
    const left = await app.ctx.db.select().from(files).where(sql`deleted_at is null`);
    expect(left.map((row) => [stubborn.includes(row.storageKey), row.deleteFailures])).toEqual(
      Array.from({ length: 3 }, () => [true, 1]),
    );
  });
});

describe("the dry run", () => {
  test("X5 counts exactly what the run then does, of everything that has a time", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photo = await uploadEditPhoto(app, person);
    await said(app, person, { message: "make it brighter", photo_id: photo.id, key: "k" });
    await finish(app, person, await accepted(order(app, person, await uploadPhotos(app, person))));
    await app.request("/live/ticket", { method: "POST", as: person });
    const gone = await app.signIn();
    await uploadPhotos(app, gone);
    await app.request("/profile", { method: "DELETE", as: gone, json: { confirm: "erase" } });
    const orphan = newStorageKey("photos", "jpg");
    await app.ctx.storage.put(orphan, new Uint8Array([1]), { mime: "image/jpeg" });
    const anHourAgo = new Date(Date.now() - 2 * HOUR_MS);
    utimesSync(join(app.database.dataFolder, "files", orphan), anHourAgo, anHourAgo);
    await app.ctx.transaction((tx) => tellOwner(tx, { level: "warning", reason: "test" }));
    const seen = new Set<string>();
    for (const days of [0, 2, 40, 95, 370]) {
      app.clock.advance(days * DAY_MS);
      const [planned, before] = [await plan(app), await contents(app)];
      expect(await plan(app)).toEqual(planned);
      expect(await contents(app)).toEqual(before);
      const done = await run(app);
      expect(done).toEqual(planned);
      for (const [what, count] of Object.entries(done)) if (count > 0) seen.add(what);
      const rest: CleanupReport = await plan(app);
      expect([days, Object.values(rest).every((count) => count === 0)]).toEqual([days, true]);
    }
    expect([...seen].toSorted()).toEqual([
      "conversations",
      "deletion_entries",
      "departures",
      "events",
      "files",
      "idempotency_keys",
      "orphans",
      "owner_alerts",
      "sessions",
      "tickets",
    ]);
    expect(await app.ctx.db.select().from(departures)).toEqual([]);
  });
});

async function contents(app: TestApp) {
  const count = async (table: typeof files | typeof deletions | typeof departures) =>
    (await app.ctx.db.select({ count: sql`count(*)`.mapWith(Number) }).from(table))[0]?.count;
  return [await count(files), await count(deletions), await count(departures), storedFiles(app).size];
}

describe("the journal of deletions", () => {
  test("X5 says of each why: its time, its owner, the end of a conversation", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const made = await finish(app, person, await accepted(order(app, person, await uploadPhotos(app, person))));
    expect((await app.request(`/generations/${made.id}`, { method: "DELETE", as: person })).status).toBe(204);
    const first = await said(app, person, { message: "make it brighter", key: "a" });
    await app.request("/editing/reset", { method: "POST", as: person, json: { session_id: first.session_id } });
    await said(app, person, { message: "make it darker", key: "b" });
    await run(app);
    app.clock.advance(31 * DAY_MS);
    await run(app);
    const entries = await app.ctx.db.select().from(deletions);
    const count = (kind: string, reason: string) =>
      entries.filter((entry) => entry.kind === kind && entry.reason === reason).length;
    expect([count("result_clean", "deleted"), count("result_marked", "deleted")]).toEqual([1, 1]);
    expect([count("preview_clean", "deleted"), count("preview_marked", "deleted")]).toEqual([1, 1]);
    expect([count("user_photo", "retention"), count("item_photo", "retention")]).toEqual([1, 1]);
    expect(count("conversation", "deleted")).toBe(1);
    expect(count("conversation", "retention")).toBe(2);
    expect(entries).toHaveLength(9);
    expect(JSON.stringify(entries)).not.toContain(first.session_id);
  });

  test("X5 a variant cannot be ordered once its conversation is past its time, though no cleanup has run", async () => {
    const app = await startTestApp();
    const early = await app.signIn();
    const { message } = await said(app, early, { message: "make it brighter", key: "a" });
    app.clock.advance(31 * DAY_MS);
    const person = await app.signIn({ telegramId: early.telegramId });
    const photo = await uploadEditPhoto(app, person);
    const json = { photo_id: photo.id, variant_id: message.variants[0]?.id };
    expect((await app.request("/editing/generate", { method: "POST", as: person, json })).status).toBe(404);
  });
});

describe("an erasure whose bytes the storage does not let go of", () => {
  test("X5 goes on until it does, unreadable meanwhile, and its receipt stays open until then", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photos = await uploadPhotos(app, person);
    const link = new URL(photos.user_photo.url).pathname;
    const storage = makeStorageFaulty(app);
    storage.refusals = 4;
    const startedAt = app.clock.now().getTime();
    const answer = await app.request("/profile", { method: "DELETE", as: person, json: { confirm: "erase" } });
    expect(answer.status).toBe(200);
    expect((await app.request(link)).status).toBe(404);
    await app.work(async () => storage.deletions.length >= 6);
    expect(storedFiles(app).size).toBe(2);
    expect((await app.ctx.db.select().from(erasures))[0]?.completedAt).toBeNull();
    expect(await alerts(app)).toContain("storage_refuses_deletions");
    await app.work();
    expect(storedFiles(app).size).toBe(0);
    const [receipt] = await app.ctx.db.select().from(erasures);
    expect(receipt?.completedAt?.getTime()).toBeGreaterThan(startedAt + 20 * MINUTE_MS);
    expect(await app.ctx.db.select().from(files)).toEqual([]);
  });
});
