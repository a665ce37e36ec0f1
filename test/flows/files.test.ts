import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import sharp from "sharp";
import { grantCredits } from "../../src/features/billing/index.ts";
import { generations } from "../../src/features/generations/tables.ts";
import { deletions, files, type StoredFile } from "../../src/features/photos/index.ts";
import { cleanUp } from "../../src/features/privacy/index.ts";
import { after, DAY_MS, HOUR_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../support/app.ts";
import { finish, look, ordered, uploadPhotos } from "../support/fitting.ts";

/** The part of a link behind the server's own address. */
const pathOf = (link: string | undefined) => new URL(link ?? "").pathname;
const fetchLink = (app: TestApp, link: string | undefined, query = "") => app.request(pathOf(link) + query);

async function expectGone(app: TestApp, path: string): Promise<void> {
  const response = await app.request(path);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: "not_found" });
}

async function rowOf(app: TestApp, id: string): Promise<StoredFile> {
  const [row] = await app.ctx.db.select().from(files).where(eq(files.id, id));
  if (!row) throw new Error(`no file ${id}`);
  return row;
}

const placeOf = (app: TestApp, row: StoredFile) => join(app.database.dataFolder, "files", row.storageKey);

describe("X6 a link to a picture", () => {
  const shared = useTestApp();
  let person: Person;
  beforeAll(async () => {
    person = await shared().signIn();
  });

  test("X6 opens without signing in, as a picture that no browser takes for anything else", async () => {
    const { user_photo: photo } = await uploadPhotos(shared(), person);
    const response = await fetchLink(shared(), photo.url);
    expect(response.status).toBe(200);
    expect((await response.bytes()).byteLength).toBe(photo.bytes);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/jpeg",
      "content-length": String(photo.bytes),
      "content-disposition": `inline; filename="atelier-${photo.id}.jpg"`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cache-control": "private, max-age=300",
    });
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test("T7 is saved to the disk on request, also by Telegram's client in a browser", async () => {
    const { user_photo: photo } = await uploadPhotos(shared(), person);
    const response = await fetchLink(shared(), photo.url, "?download=1");
    expect(response.headers.get("content-disposition")).toBe(`attachment; filename="atelier-${photo.id}.jpg"`);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const shown = await fetchLink(shared(), photo.url, "?download=0");
    expect(shown.headers.get("content-disposition")).toStartWith("inline;");
  });

  test("X6 altered in any one character opens nothing", async () => {
    const { user_photo: photo } = await uploadPhotos(shared(), person);
    const path = pathOf(photo.url);
    const start = path.lastIndexOf("/") + 1;
    expect(path.length - start).toBe(84);
    for (let at = start; at < path.length; at += 1) {
      const other = path[at] === "A" ? "B" : "A";
      await expectGone(shared(), path.slice(0, at) + other + path.slice(at + 1));
    }
    for (const more of ["A", "=", "%00", ".jpg"]) await expectGone(shared(), path + more);
    await expectGone(shared(), path.slice(0, -1));
    expect((await shared().request(path)).status).toBe(200);
  });

  test("X6 made with another secret, or for another person's file, opens nothing", async () => {
    const { user_photo: photo } = await uploadPhotos(shared(), person);
    const stranger = await shared().signIn();
    const expiresAt = after(shared().clock.now(), HOUR_MS);
    const token = shared().ctx.links.sign({ fileId: photo.id, ownerId: stranger.id, purpose: "view", expiresAt });
    await expectGone(shared(), `/files/${token}`);
  });

  test("X6 ends after an hour, while a new one of the same photo works", async () => {
    const app = await startTestApp();
    const owner = await app.signIn();
    const made = await finish(app, owner, (await ordered(app, owner)).id);
    app.clock.advance(HOUR_MS - SECOND_MS);
    expect((await fetchLink(app, made.image_url)).status).toBe(200);
    app.clock.advance(SECOND_MS);
    await expectGone(app, pathOf(made.image_url));
    const again = await app.signIn({ telegramId: owner.telegramId });
    expect((await fetchLink(app, (await look(app, again, made.id)).image_url)).status).toBe(200);
  });

  test("X6 dies at once when its picture is deleted, before any cleanup", async () => {
    const app = await startTestApp();
    const owner = await app.signIn();
    const made = await finish(app, owner, (await ordered(app, owner)).id);
    const links = [made.image_url, made.preview_url];
    for (const link of links) expect((await fetchLink(app, link)).status).toBe(200);
    expect((await app.request(`/generations/${made.id}`, { method: "DELETE", as: owner })).status).toBe(204);
    for (const link of links) await expectGone(app, pathOf(link));
    expect((await app.request(`/generations/${made.id}`, { as: owner })).status).toBe(404);
  });
});

describe("X5 a photo after its 24 hours", () => {
  async function expired(): Promise<{ app: TestApp; person: Person; id: string; path: string }> {
    const app = await startTestApp();
    const early = await app.signIn();
    const { user_photo: photo } = await uploadPhotos(app, early);
    // A link made just before the end does not outlive the photo.
    app.clock.advance(DAY_MS - SECOND_MS);
    const expiresAt = after(app.clock.now(), HOUR_MS);
    const token = app.ctx.links.sign({ fileId: photo.id, ownerId: early.id, purpose: "view", expiresAt });
    expect((await app.request(`/files/${token}`)).status).toBe(200);
    app.clock.advance(SECOND_MS);
    const person = await app.signIn({ telegramId: early.telegramId });
    return { app, person, id: photo.id, path: `/files/${token}` };
  }

  test("X5 cannot be read or used any more, though no cleanup has run", async () => {
    const { app, person, id, path } = await expired();
    await expectGone(app, path);
    expect(existsSync(placeOf(app, await rowOf(app, id)))).toBe(true);
    const { item_photo: item } = await uploadPhotos(app, person);
    const json = { user_photo_id: id, item_photo_id: item.id, zone: "top" };
    const response = await app.request("/fitting/generate", { method: "POST", as: person, json });
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ code: "photo_expired" });
  });

  test("X5 is deleted from the disk by the cleanup, which writes down that it did", async () => {
    const { app, id, path } = await expired();
    const before = await rowOf(app, id);
    expect(await cleanUp(app.ctx, { dryRun: true })).toMatchObject({ files: 2 });
    expect(existsSync(placeOf(app, before))).toBe(true);
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 2, files_refused: 0 });
    expect(existsSync(placeOf(app, before))).toBe(false);
    expect((await rowOf(app, id)).deletedAt).toEqual(app.clock.now());
    const entries = await app.ctx.db.select().from(deletions).where(eq(deletions.subjectId, id));
    expect(entries).toEqual([
      expect.objectContaining({ kind: "user_photo", reason: "retention", deletedAt: app.clock.now() }),
    ]);
    expect(JSON.stringify(entries)).not.toContain(before.storageKey);
    await expectGone(app, path);
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 0, files_refused: 0 });
  });

  test("X5 stays queued, visible and unreadable while the storage refuses to delete it", async () => {
    const { app, id, path } = await expired();
    const row = await rowOf(app, id);
    const place = placeOf(app, row);
    // A folder in the file's place is a thing that no program can unlink, whoever it runs as.
    renameSync(place, `${place}.aside`);
    mkdirSync(place);
    for (const failures of [1, 2]) {
      expect((await cleanUp(app.ctx, { dryRun: false })).files_refused).toBe(1);
      expect(await rowOf(app, id)).toMatchObject({ deleteFailures: failures, deletedAt: null });
      await expectGone(app, path);
    }
    expect(await cleanUp(app.ctx, { dryRun: true })).toMatchObject({
      files: 1,
      files_tried_again: 1,
      files_refused: 0,
    });
    expect(app.logLines.filter((line) => line.includes("refused to delete")).length).toBe(2);
    rmdirSync(place);
    renameSync(`${place}.aside`, place);
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ files: 1, files_refused: 0 });
    expect(existsSync(place)).toBe(false);
    expect((await app.ctx.db.select().from(deletions).where(eq(deletions.subjectId, id))).length).toBe(1);
  });
});

const AI_MARK = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** Every address in an answer, wherever it stands. */
const linksIn = (text: string) => [...new Set(text.match(/https?:\/\/[^"\\\s]+/g) ?? [])];

describe("X8 a free person and the clean picture", () => {
  const shared = useTestApp();
  let person: Person;
  let id: string;
  let clean: StoredFile;
  let cleanPreview: StoredFile;
  let cleanBytes: Uint8Array;
  const answers: string[] = [];

  async function answer(path: string, options: Parameters<TestApp["request"]>[1] = {}): Promise<void> {
    answers.push(await (await shared().request(path, { as: person, ...options })).text());
  }

  /** What the socket says first, with everything that is in work. */
  async function firstFrame(): Promise<string> {
    const port = await shared().listen();
    const issued = await shared().request("/live/ticket", { method: "POST", as: person });
    const { ticket } = (await issued.json()) as { ticket: string };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live?ticket=${ticket}`);
    const frame = await new Promise<string>((resolve) => {
      socket.onmessage = (event) => resolve(String(event.data));
      socket.onclose = () => resolve("closed without a word");
    });
    socket.close();
    expect(JSON.parse(frame)).toMatchObject({ type: "hello", active: [{ status: "queued" }] });
    return frame;
  }

  beforeAll(async () => {
    person = await shared().signIn();
    const ordering = await ordered(shared(), person, { key: "the-first-order" });
    id = ordering.id;
    answers.push(JSON.stringify(ordering), JSON.stringify(await finish(shared(), person, id)));
    const [row] = await shared().ctx.db.select().from(generations).where(eq(generations.id, id));
    clean = await rowOf(shared(), row?.imageFileId ?? "");
    cleanPreview = await rowOf(shared(), row?.previewFileId ?? "");
    const stored = await shared().ctx.storage.read(clean.storageKey);
    cleanBytes = (await stored?.content()) ?? new Uint8Array();
    await answer(`/generations/${id}`);
    await answer("/generations");
    await answer("/generations?status=succeeded&type=fitting");
    await answer("/live/events?since=0");
    await answer(`/generations/${id}/retry`, { method: "POST" });
    answers.push(await firstFrame());
    const edit = { generation_id: id, prompt: "leave everything exactly as it is" };
    await answer("/editing/generate", { method: "POST", json: edit });
    await answer("/generations?type=editing");
    await answer("/profile");
    await answer("/balance/entries");
  });

  test("X8 every link in every answer leads to a photo of theirs or to a picture with the watermark", async () => {
    const links = answers.flatMap(linksIn);
    expect(links.length).toBeGreaterThan(8);
    const opened = new Map<string, Uint8Array>();
    for (const link of links) {
      const signed = shared().ctx.links.verify(pathOf(link).split("/").at(-1) ?? "");
      expect(signed?.purpose).toBe("view");
      expect([clean.id, cleanPreview.id]).not.toContain(signed?.fileId);
      const response = await fetchLink(shared(), link);
      expect(response.status).toBe(200);
      opened.set(signed?.fileId ?? "", await response.bytes());
    }
    const purposes = await Promise.all(
      [...opened.keys()].map(async (fileId) => (await rowOf(shared(), fileId)).purpose),
    );
    expect(purposes.toSorted()).toEqual(["item_photo", "preview_marked", "result_marked", "user_photo"]);
    for (const bytes of opened.values()) expect(Buffer.compare(bytes, cleanBytes)).not.toBe(0);
  });

  test("X8 the picture and its preview both carry the watermark where the subject is", async () => {
    const view = await look(shared(), person, id);
    for (const link of [view.image_url, view.preview_url]) {
      const marked = await (await fetchLink(shared(), link)).bytes();
      const band = await difference(cleanBytes, marked, { top: 0.6, bottom: 0.76 });
      const rest = await difference(cleanBytes, marked, { top: 0.15, bottom: 0.5 });
      expect(band).toBeGreaterThan(8);
      expect(rest).toBeLessThan(3);
      expect(band).toBeGreaterThan(5 * rest);
    }
  });

  test("X8 no link that could be made for a person opens the clean files, and the ids themselves open nothing", async () => {
    const { links, clock, settings } = shared().ctx;
    expect([clean.viewable, cleanPreview.viewable]).toEqual([false, false]);
    for (const file of [clean, cleanPreview]) {
      for (const download of [false, true]) {
        const expiresAt = after(clock.now(), HOUR_MS);
        const token = links.sign({ fileId: file.id, ownerId: person.id, purpose: "view", expiresAt, download });
        await expectGone(shared(), `/files/${token}`);
        await expectGone(shared(), `/files/${token}?download=1`);
      }
      for (const path of [
        `/files/${file.id}`,
        `/files/${encodeURIComponent(file.storageKey)}`,
        `/files/${file.storageKey}`,
      ]) {
        await expectGone(shared(), path);
      }
      const json = { user_photo_id: file.id, item_photo_id: file.id, zone: "top" };
      const misuse = await shared().request("/fitting/generate", { method: "POST", as: person, json });
      expect(misuse.status).toBe(404);
    }
    expect(answers.join()).not.toContain(clean.storageKey);
    expect(answers.join()).not.toContain(settings.DATA_DIR);
  });

  test("X8 credits bought later do not open it either, as long as nothing says so", async () => {
    await grantCredits(shared().ctx, { userId: person.id, kind: "gift", credits: 10, source: "test:x8" });
    const view = await look(shared(), person, id);
    expect(view.watermarked).toBe(true);
    const bytes = await (await fetchLink(shared(), view.image_url)).bytes();
    expect(await difference(cleanBytes, bytes, { top: 0.6, bottom: 0.76 })).toBeGreaterThan(8);
  });

  test("both copies and their previews say that a model made them, and nothing else about their making", async () => {
    const rows = await shared().ctx.db.select().from(files).where(eq(files.userId, person.id));
    const results = rows.filter((row) => !row.purpose.endsWith("_photo"));
    expect(results.map((row) => row.purpose).toSorted()).toEqual([
      "preview_clean",
      "preview_marked",
      "result_clean",
      "result_marked",
    ]);
    for (const row of results) {
      const bytes = (await (await shared().ctx.storage.read(row.storageKey))?.content()) ?? new Uint8Array();
      expect(Buffer.from(bytes).includes(AI_MARK)).toBe(true);
      const facts = await sharp(bytes).metadata();
      expect(facts).not.toHaveProperty("exif");
      expect(facts).not.toHaveProperty("icc");
    }
  });
});

/** The mean difference of two pictures in a horizontal band, 0 to 255; the second is brought to the first one's size. */
async function difference(one: Uint8Array, two: Uint8Array, band: { top: number; bottom: number }): Promise<number> {
  const first = await sharp(one).greyscale().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = first.info;
  const second = await sharp(two).resize({ width, height, fit: "fill" }).greyscale().raw().toBuffer();
  const [from, to] = [Math.round(band.top * height) * width, Math.round(band.bottom * height) * width];
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += Math.abs((first.data[at] ?? 0) - (second[at] ?? 0));
  return sum / (to - from);
}
