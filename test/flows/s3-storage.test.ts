import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { creditEntries, creditHolds, verifyLedger } from "../../src/features/billing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { cleanUp, erasures } from "../../src/features/privacy/index.ts";
import { DAY_MS, HOUR_MS } from "../../src/platform/clock.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { balance, finish, look, order, ordered, uploadPhotos } from "../support/fitting.ts";
import { ALL_MARKERS, makeFullPerson } from "../support/full-person.ts";
import { picture, uploadForm } from "../support/pictures.ts";
import { useS3Door } from "../support/s3-door.ts";
import { S3_BUCKET, S3_BUCKET_WITH_CORS } from "../support/s3-server.ts";
import { newPrefix, s3Settings } from "../support/s3-storage.ts";
import { within } from "../support/timing.ts";
import { hashOf, tracesInTables } from "../support/traces.ts";

/** The product with its pictures in a bucket: nothing of it may need a disk. */

const newDoor = useS3Door();
const pathOf = (link: string | undefined) => new URL(link ?? "").pathname;

async function start(settings: Record<string, string> = {}) {
  const door = newDoor();
  const app = await startTestApp({ settings: { ...s3Settings(door), ...settings } });
  return { door, app, person: await app.signIn() };
}

async function storedKeys(app: TestApp): Promise<string[]> {
  const keys: string[] = [];
  for await (const entry of app.ctx.storage.list()) keys.push(entry.key);
  return keys;
}

async function knownKeys(app: TestApp): Promise<string[]> {
  const rows = await app.ctx.db.select().from(files);
  return rows.filter((row) => row.deletedAt === null).map((row) => row.storageKey);
}

async function refusal(response: Response) {
  return { status: response.status, ...((await response.json()) as { code: string; retry_after?: number }) };
}

describe("a try-on with pictures in a bucket", () => {
  test("goes through from upload to picture, without a file on the disk", async () => {
    const { app, person } = await start();
    const made = await finish(app, person, (await ordered(app, person)).id);
    expect(made.status).toBe("succeeded");
    for (const link of [made.user_photo_url, made.item_photo_url, made.image_url, made.preview_url]) {
      const response = await app.request(pathOf(link));
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
      expect((await response.bytes()).byteLength).toBe(Number(response.headers.get("content-length")));
    }
    expect((await storedKeys(app)).toSorted()).toEqual((await knownKeys(app)).toSorted());
    expect((await storedKeys(app)).length).toBe(6);
    expect(existsSync(join(app.database.dataFolder, "files"))).toBe(false);
    expect(app.logLines.join()).not.toContain("X-Amz");
  });

  test("X4 an erasure leaves no object and no trace", async () => {
    const { app } = await start({ TERMS_VERSION: "2026-11", FREE_ACTIONS_PER_MONTH: "6" });
    const full = await makeFullPerson(app);
    const before = await storedKeys(app);
    expect(before.length).toBeGreaterThan(8);
    const archive = await (await app.request("/profile/export", { as: full.person })).bytes();
    expect(archive.byteLength).toBeGreaterThan(10_000);
    const erased = await app.request("/profile", { method: "DELETE", as: full.person, json: { confirm: "erase" } });
    expect(erased.status).toBe(200);
    await app.work();
    expect(await storedKeys(app)).toEqual([]);
    expect(await tracesInTables(app, ALL_MARKERS)).toEqual([]);
    const [receipt] = await app.ctx.db.select().from(erasures);
    expect(receipt?.completedAt).not.toBeNull();
  });

  test("X5 photos are gone after their time, though the bucket refuses at first", async () => {
    const { app, door, person } = await start();
    await uploadPhotos(app, person);
    app.clock.advance(DAY_MS + HOUR_MS);
    door.fault = (request) => (request.method === "DELETE" ? "SlowDown" : null);
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 0, files_refused: 2 });
    expect(await storedKeys(app)).toHaveLength(2);
    door.fault = () => null;
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 2, files_refused: 0 });
    expect(await storedKeys(app)).toEqual([]);
  });

  test("X5 while the bucket is away a cleanup ends soon, does the rest of its work, and loses nothing", async () => {
    const { app, door, person } = await start();
    for (let round = 0; round < 4; round += 1) await uploadPhotos(app, person);
    app.clock.advance(DAY_MS + HOUR_MS);
    door.fault = () => "hang";
    const startedAt = performance.now();
    const report = await cleanUp(app.ctx, { dryRun: false });
    expect(performance.now() - startedAt).toBeLessThan(within(8_000, 25_000));
    expect(report).toMatchObject({ files: 0, files_refused: 1, orphans: 0, orphans_refused: 1 });
    expect(report).toHaveProperty("departures");
    door.fault = () => null;
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 8, files_refused: 0, orphans_refused: 0 });
    expect(await storedKeys(app)).toEqual([]);
  });

  test("X5 a wrong bucket is never taken for one from which everything is deleted", async () => {
    const { app, person } = await start({ STORAGE_URL: "s3://no-such-bucket" });
    const body = uploadForm({ user_photo: { bytes: await picture() } });
    const response = await app.request("/fitting/upload", { method: "POST", as: person, body });
    expect(await refusal(response)).toMatchObject({ status: 503, code: "storage_unavailable" });
    await expect(app.ctx.storage.delete("photos/a.jpg")).rejects.toThrow("no such bucket");
  });
});

describe("F10 a bucket that is away", () => {
  for (const fault of ["hang", "SlowDown", "reset"] as const) {
    test(`F10 (${fault}) refuses clearly before anything is charged, and heals`, async () => {
      const { app, door, person } = await start();
      const photos = await uploadPhotos(app, person);
      // A sign of life counts for five seconds; the outage begins behind them.
      await app.ctx.storage.ping();
      const free = await balance(app, person);
      door.fault = () => fault;
      await app.ctx.storage.read("photos/a.jpg").catch(() => null);
      const startedAt = performance.now();
      const body = uploadForm({ user_photo: { bytes: await picture() } });
      const refused = await Promise.all([
        app.request("/fitting/upload", { method: "POST", as: person, body }),
        app.request(pathOf(photos.user_photo.url)),
        order(app, person, photos),
        order(app, person, photos, { key: "one-tap" }),
      ]);
      expect(performance.now() - startedAt).toBeLessThan(within(3_000, 15_000));
      for (const response of refused) {
        expect(await refusal(response)).toMatchObject({ status: 503, code: "storage_unavailable", retry_after: 10 });
        expect(response.headers.get("retry-after")).toBe("10");
      }
      expect(await app.ctx.db.select().from(generations)).toEqual([]);
      expect(await app.ctx.db.select().from(creditHolds)).toEqual([]);
      expect(await balance(app, person)).toEqual(free);
      expect((await app.request("/profile", { as: person })).status).toBe(200);
      const logged = app.logLines.join("\n");
      expect(logged).toContain("the storage failed inside a request");
      for (const word of ["X-Amz", "S3RVER", "Signature="]) expect(logged).not.toContain(word);
      door.fault = () => null;
      const accepted = await order(app, person, photos, { key: "one-tap" });
      expect(accepted.status).toBe(202);
      const { id } = (await accepted.json()) as { id: string };
      expect((await finish(app, person, id)).status).toBe("succeeded");
    });
  }

  test("F10 a picture that breaks off again and again ends its answer, and the server lives on", async () => {
    const { app, door, person } = await start();
    const { user_photo: photo } = await uploadPhotos(app, person);
    const address = `http://127.0.0.1:${await app.listen()}${pathOf(photo.url)}`;
    door.fault = (request) => (request.method === "GET" ? "half" : null);
    const answer = await fetch(address)
      .then((response) => response.bytes())
      .catch(() => null);
    expect(answer?.byteLength ?? 0).toBeLessThan(photo.bytes);
    door.fault = () => null;
    expect((await (await fetch(address)).bytes()).byteLength).toBe(photo.bytes);
  });

  test("F10 a finished picture waits for the bucket: one task, one charge, and it arrives", async () => {
    const { app, door, person } = await start({ FREE_ACTIONS_PER_MONTH: "1" });
    const { id } = await ordered(app, person);
    door.fault = (request) => (request.method === "PUT" ? "500" : null);
    let rounds = 0;
    await app.work(async () => {
      if ((await look(app, person, id)).status === "finishing") rounds += 1;
      return rounds >= 12;
    });
    expect(await look(app, person, id)).toMatchObject({ status: "finishing" });
    expect(app.logLines.join()).toContain("a generation waits for the storage");
    door.fault = () => null;
    expect((await finish(app, person, id)).status).toBe("succeeded");
    expect(app.kie.stats().tasks).toHaveLength(1);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("F10 a picture that never finds its place fails at its deadline and costs nothing", async () => {
    const { app, door, person } = await start();
    const { id } = await ordered(app, person);
    door.fault = (request) => (request.method === "PUT" ? "500" : null);
    const ended = await finish(app, person, id);
    expect(ended).toMatchObject({ status: "failed", error: { charged: false } });
    expect((await balance(app, person)).free_actions.used).toBe(0);
    expect((await app.ctx.db.select().from(creditHolds)).map((hold) => hold.state)).toEqual(["released"]);
    expect(await app.ctx.db.select().from(creditEntries).where(eq(creditEntries.userId, person.id))).toBeArray();
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("bytes that come back after their row said that they are gone are swept away", async () => {
    const { app, person } = await start();
    await uploadPhotos(app, person);
    const [key = ""] = await knownKeys(app);
    const bytes = (await (await app.ctx.storage.read(key))?.content()) ?? new Uint8Array();
    app.clock.advance(DAY_MS + HOUR_MS);
    await cleanUp(app.ctx, { dryRun: false });
    await app.ctx.storage.put(key, bytes, { mime: "image/jpeg" });
    // The bucket stamps objects by its own clock, and young ones may belong to somebody still at work.
    const storage = app.ctx.storage as { list: TestApp["ctx"]["storage"]["list"] };
    const own = storage.list;
    storage.list = async function* (prefix) {
      for await (const entry of own(prefix)) yield { ...entry, modifiedAt: new Date(Date.now() - 2 * HOUR_MS) };
    };
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ orphans: 1, files: 0 });
    expect(await storedKeys(app)).toEqual([]);
  });
});

describe("S3_LINKS=presigned", () => {
  async function linked() {
    const prefix = newPrefix();
    const settings = { STORAGE_URL: `s3://${S3_BUCKET_WITH_CORS}/${prefix}`, S3_LINKS: "presigned" };
    const started = await start(settings);
    const made = await finish(started.app, started.person, (await ordered(started.app, started.person)).id);
    return { ...started, made };
  }

  const follow = async (app: TestApp, path: string) => {
    const answer = await app.request(path);
    return { answer, location: answer.headers.get("location") ?? "" };
  };

  test("X6 T7 X8 a link of ours leads on to the bucket for a minute, to the very copy that may be seen", async () => {
    const { app, made } = await linked();
    expect(made.watermarked).toBe(true);
    const { answer, location } = await follow(app, `${pathOf(made.image_url)}?download=1`);
    expect(answer.status).toBe(302);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    expect(new URL(location).searchParams.get("X-Amz-Expires")).toBe("60");
    const file = await fetch(location, { headers: { origin: "https://web.telegram.org" } });
    expect(file.status).toBe(200);
    expect(file.headers.get("content-type")).toBe("image/jpeg");
    expect(file.headers.get("content-disposition")).toMatch(/^attachment; filename="atelier-[0-9a-f-]{36}\.jpg"$/);
    expect(file.headers.get("access-control-allow-origin")).toBe("*");
    const rows = await app.ctx.db.select().from(files);
    const [clean, marked] = ["result_clean", "result_marked"].map((name) => rows.find((row) => row.purpose === name));
    const markedBytes = (await (await app.ctx.storage.read(marked?.storageKey ?? ""))?.content()) ?? new Uint8Array();
    expect(hashOf(await file.bytes())).toBe(hashOf(markedBytes));
    expect(location).not.toContain(clean?.storageKey ?? "?");
    const shown = await follow(app, pathOf(made.image_url));
    expect((await fetch(shown.location)).headers.get("content-disposition")).toStartWith("inline;");
  });

  test("X6 owner, end and deletion stay ours, and the provider is never sent elsewhere", async () => {
    const { app, person, made } = await linked();
    const [row] = (await app.ctx.db.select().from(files)).filter(({ purpose }) => purpose === "result_clean");
    const sign = (purpose: "view" | "provider", ownerId = person.id) =>
      app.ctx.links.sign({
        fileId: row?.id ?? "",
        ownerId,
        purpose,
        expiresAt: new Date(app.clock.now().getTime() + HOUR_MS),
      });
    const stranger: Person = await app.signIn();
    for (const token of [sign("view"), sign("view", stranger.id), sign("provider", stranger.id)]) {
      expect((await app.request(`/files/${token}`)).status).toBe(404);
    }
    const provided = await app.request(`/files/${sign("provider")}`);
    expect([provided.status, provided.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect((await provided.bytes()).byteLength).toBe(row?.bytes ?? 0);
    const path = pathOf(made.image_url);
    expect((await app.request(`/generations/${made.id}`, { method: "DELETE", as: person })).status).toBe(204);
    expect((await app.request(path)).status).toBe(404);
  });

  test("a picture that still lies in the place behind is served from here", async () => {
    const { app, door, person } = await start({
      STORAGE_FALLBACK_URL: "disk",
      STORAGE_URL: `s3://${S3_BUCKET}/${newPrefix()}`,
      S3_LINKS: "presigned",
    });
    const { user_photo: photo } = await uploadPhotos(app, person);
    expect((await app.request(pathOf(photo.url))).status).toBe(302);
    const [row] = await app.ctx.db.select().from(files).where(eq(files.id, photo.id));
    const key = row?.storageKey ?? "";
    const bytes = (await (await app.ctx.storage.read(key))?.content()) ?? new Uint8Array();
    await app.ctx.storage.delete(key);
    const place = join(app.database.dataFolder, "files", key);
    await Bun.write(place, bytes);
    const before = door.seen.length;
    const answer = await app.request(pathOf(photo.url));
    expect([answer.status, (await answer.bytes()).byteLength]).toEqual([200, photo.bytes]);
    expect(door.seen.length).toBeGreaterThan(before);
    app.clock.advance(DAY_MS + HOUR_MS);
    await cleanUp(app.ctx, { dryRun: false });
    expect(existsSync(place)).toBe(false);
  });
});
