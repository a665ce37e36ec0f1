import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { after, DAY_MS, HOUR_MS } from "../../src/platform/clock.ts";
import { publish } from "../../src/platform/live/events.ts";
import { liveEvents, liveTickets } from "../../src/platform/live/tables.ts";
import { newStorageKey } from "../../src/platform/storage/storage.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf } from "./program.ts";

/** The product as it was two days ago; the commands run today. */
const app = await startTestApp({ clock: createTestClock(after(new Date(), -2 * DAY_MS)) });

const cleanup = (...words: string[]) => runProgram(["cleanup", ...words], { environment: settingsOf(app.database) });
const counts = async (...words: string[]) => JSON.parse((await cleanup("--json", ...words)).out);

/** A stored picture of a person, due at the moment. */
async function storePicture(userId: string, expiresAt: Date): Promise<string> {
  const key = newStorageKey("photos", "jpg");
  await app.ctx.storage.put(key, new Uint8Array([1, 2, 3]), { mime: "image/jpeg" });
  await app.ctx.db.insert(files).values({
    id: crypto.randomUUID(),
    userId,
    purpose: "user_photo",
    storageKey: key,
    viewable: true,
    mime: "image/jpeg",
    bytes: 3,
    widthPx: 1,
    heightPx: 1,
    createdAt: app.clock.now(),
    expiresAt,
    deletedAt: null,
    deleteFailures: 0,
  });
  return key;
}

/** One of everything that is past its time today, and one picture that is not. */
async function leaveThingsBehind(): Promise<{ dueKey: string; keptKey: string }> {
  const person = await app.signIn();
  const dueKey = await storePicture(person.id, after(app.clock.now(), HOUR_MS));
  const keptKey = await storePicture(person.id, after(new Date(), DAY_MS));
  await app.ctx.transaction((tx) => publish(tx, person.id, "notice", { text: "old" }));
  await app.request("/live/ticket", { method: "POST", as: person });
  const expiresAt = after(app.clock.now(), HOUR_MS);
  await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 3, source: `test:${person.id}`, expiresAt });
  return { dueKey, keptKey };
}

describe("atelier cleanup", () => {
  test("--dry-run counts exactly what the real run then does, and changes nothing", async () => {
    const { dueKey, keptKey } = await leaveThingsBehind();
    const before = await rowCounts();
    const planned = await counts("--dry-run");
    // The grant makes an event too.
    expect(planned).toMatchObject({ dry_run: true, files: 1, events: 2, tickets: 1, expired_credits_people: 1 });
    expect(await rowCounts()).toEqual(before);
    expect(await app.ctx.storage.read(dueKey)).not.toBeNull();

    const done = await counts();
    expect(done).toEqual({ ...planned, dry_run: false });
    expect(await app.ctx.storage.read(dueKey)).toBeNull();
    expect(await app.ctx.storage.read(keptKey)).not.toBeNull();
    expect(await counts()).toMatchObject({ files: 0, events: 0, tickets: 0, expired_credits_people: 0 });
  });

  test("the counts are a table for people", async () => {
    await leaveThingsBehind();
    const dry = await cleanup("--dry-run");
    expect(dry.code).toBe(0);
    expect(dry.out).toMatch(/^would go +what\n/);
    expect(dry.out).toMatch(/^ +1 +pictures past their time$/m);
    expect((await cleanup()).out).toMatch(/^gone +what\n/);
  });

  test("ends with 1 while the storage refuses to delete a picture, which stays queued", async () => {
    const { dueKey } = await leaveThingsBehind();
    const path = join(app.database.dataFolder, "files", dueKey);
    // A folder in the file's place cannot be unlinked, not even by root.
    rmSync(path);
    mkdirSync(path);
    const refused = await cleanup();
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^ +1 +pictures that the storage refused to delete$/m);
    const [row] = await app.ctx.db.select().from(files).where(eq(files.storageKey, dueKey));
    expect(row).toMatchObject({ deletedAt: null, deleteFailures: 1 });
    rmSync(path, { recursive: true });
    expect((await cleanup()).code).toBe(0);
  });
});

async function rowCounts() {
  const count = sql`count(*)`.mapWith(Number);
  const [pictures] = await app.ctx.db.select({ count }).from(files).where(sql`deleted_at is null`);
  const [events] = await app.ctx.db.select({ count }).from(liveEvents);
  const [tickets] = await app.ctx.db.select({ count }).from(liveTickets);
  return { pictures, events, tickets };
}
