import { describe, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { eq } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { after, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { newStorageKey } from "../../src/platform/storage/storage.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { makeStorageFaulty } from "../support/faulty-storage.ts";
import { finish, ordered } from "../support/fitting.ts";
import { until } from "../support/until.ts";
import { readZip } from "../support/zip.ts";

interface Contents {
  tables: Record<string, number>;
  files: number;
  files_left_out: { past_their_time: number; clean_copies_of_watermarked_results: number; missing: number };
}

const ask = (app: TestApp, as?: Person) => app.request("/profile/export", { as });

async function exported(app: TestApp, as: Person) {
  const response = await ask(app, as);
  expect(response.status).toBe(200);
  const archive = readZip(await response.bytes());
  const text = (name: string) => Buffer.from(archive.get(name) ?? []).toString();
  const pictures = [...archive.keys()].filter((name) => name.startsWith("files/")).map((name) => name.slice(6, -4));
  return { archive, text, pictures, contents: JSON.parse(text("contents.json")) as Contents };
}

/** Stores pictures without the work of making them. */
async function storeMany(app: TestApp, person: Person, count: number, bytes: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const storageKey = newStorageKey("results", "jpg");
    await app.ctx.storage.put(storageKey, new Uint8Array(bytes).fill(made % 251), { mime: "image/jpeg" });
    await app.ctx.db.insert(files).values({
      id: newId(),
      userId: person.id,
      purpose: "result_clean",
      storageKey,
      viewable: true,
      mime: "image/jpeg",
      bytes,
      widthPx: 1,
      heightPx: 1,
      createdAt: app.clock.now(),
      expiresAt: after(app.clock.now(), HOUR_MS),
      deletedAt: null,
      deleteReason: null,
      deleteFailures: 0,
    });
  }
}

describe("an export", () => {
  test("X8 of a free person holds their photos and the watermarked copies, and no clean byte", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const made = await finish(app, person, (await ordered(app, person)).id);
    expect(made).toMatchObject({ status: "succeeded", watermarked: true });
    const { archive, pictures, contents, text } = await exported(app, person);
    const rows = await app.ctx.db.select().from(files).where(eq(files.userId, person.id));
    const purposeOf = new Map(rows.map((row) => [row.id, row.purpose]));
    expect(pictures.map((id) => purposeOf.get(id) ?? "").toSorted()).toEqual([
      "item_photo",
      "preview_marked",
      "result_marked",
      "user_photo",
    ]);
    expect(contents).toMatchObject({
      files: 4,
      files_left_out: { clean_copies_of_watermarked_results: 2, missing: 0 },
    });
    const clean = rows.filter((row) => row.purpose.endsWith("_clean"));
    expect(clean).toHaveLength(2);
    for (const row of clean) {
      const bytes = (await (await app.ctx.storage.read(row.storageKey))?.content()) ?? new Uint8Array();
      for (const entry of archive.values())
        expect(Buffer.from(entry).includes(bytes.subarray(2_000, 2_400))).toBe(false);
      // That it exists is no secret, and the row says so.
      expect(text("data/files.json")).toContain(row.id);
    }

    await app.ctx.transaction((tx) =>
      grantCredits(tx, { userId: person.id, kind: "gift", credits: 3, source: "test:x8-export" }),
    );
    expect((await exported(app, person)).contents.files).toBe(4);
  });

  test("X5 leaves out what is past its time, though no cleanup has run", async () => {
    const app = await startTestApp();
    const early = await app.signIn();
    await ordered(app, early);
    app.clock.advance(25 * HOUR_MS);
    const person = await app.signIn({ telegramId: early.telegramId });
    const { pictures, contents } = await exported(app, person);
    expect(pictures).toEqual([]);
    expect(contents).toMatchObject({ files: 0, files_left_out: { past_their_time: 2 } });
  });

  test("is refused to strangers and to the banned, and is had three times an hour", async () => {
    const app = await startTestApp();
    expect((await ask(app)).status).toBe(401);
    const person = await app.signIn();
    for (let time = 0; time < 3; time += 1) expect((await exported(app, person)).contents.tables.users).toBe(1);
    const refused = await ask(app, person);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(600);
    expect((await ask(app, await app.signIn())).status).toBe(200);
    app.clock.advance(21 * MINUTE_MS);
    expect((await ask(app, person)).status).toBe(200);
    const banned = await app.signIn();
    await app.ctx.db.update(users).set({ bannedAt: app.clock.now() }).where(eq(users.id, banned.id));
    expect((await ask(app, banned)).status).toBe(403);
  });

  test("goes on behind a row that comes in many pages", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    for (let number = 0; number < 450; number += 1) {
      await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 1, source: `test:${number}` });
    }
    const { text, contents } = await exported(app, person);
    for (const table of ["credit_grants", "credit_entries", "live_events"]) {
      const rows = JSON.parse(text(`data/${table}.json`)) as { id?: string; number?: number }[];
      expect([table, contents.tables[table], rows.length]).toEqual([table, 450, 450]);
      expect(new Set(rows.map((row) => row.id ?? row.number)).size).toBe(450);
    }
  });

  test("is made no faster than it is taken: a reader that stops holds up the reading, and memory stays small", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const COUNT = 64;
    await storeMany(app, person, COUNT, 1024 * 1024);
    const storage = makeStorageFaulty(app);
    const port = await app.listen();
    const socket = createConnection(port, "127.0.0.1");
    let taken = 0;
    socket.on("data", (piece) => {
      taken += Buffer.byteLength(piece);
    });
    socket.write(
      `GET /api/v1/profile/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${person.token}\r\nConnection: close\r\n\r\n`,
    );
    await until(() => storage.opened.length > 0, "the first picture");
    socket.pause();
    const state = () => [taken, storage.opened.length] as const;
    let before = state();
    // What was on its way comes to rest.
    const isAtRest = async () => {
      before = state();
      await Bun.sleep(500);
      return Bun.deepEquals(before, state());
    };
    await until(isAtRest, "nothing more is read or sent");
    const [takenAtPause, openedAtPause] = before;
    await Bun.sleep(500);
    // Sockets hold a few megabytes on both sides; the rest has not even been read.
    expect(storage.opened.length).toBe(openedAtPause);
    expect(openedAtPause).toBeLessThan(COUNT / 2);
    expect(taken).toBe(takenAtPause);
    socket.resume();
    await until(() => storage.opened.length === COUNT && taken > COUNT * 1024 * 1024, "the rest");
    socket.destroy();
  });

  test("breaks off quietly when its reader goes away", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    await storeMany(app, person, 40, 1024 * 1024);
    const storage = makeStorageFaulty(app);
    const port = await app.listen();
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/profile/export`, {
      headers: { authorization: `Bearer ${person.token}` },
      signal: abort.signal,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    abort.abort();
    await Bun.sleep(300);
    expect(storage.opened.length).toBeLessThan(40);
    expect(app.logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});
