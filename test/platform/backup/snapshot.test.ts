import { describe, expect, test } from "bun:test";
import { headerOf, ownSums, ownTables } from "../../../src/commands/snapshot.ts";
import { openOwnBulk } from "../../../src/context.ts";
import { takeBackup } from "../../../src/platform/backup/take.ts";
import { totalsOf } from "../../../src/platform/backup/totals.ts";
import type { Storage } from "../../../src/platform/storage/storage.ts";
import { botUpdates } from "../../../src/tables.ts";
import { startTestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { lane } from "../../support/database.ts";
import { uploadPhotos } from "../../support/fitting.ts";

describe("a snapshot", () => {
  test("X10 shows the moment at which it was opened, whatever is written while it is read", async () => {
    const app = await startTestApp({ clock: createTestClock(new Date()) });
    const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, takenAt: new Date(id) }));
    for (let from = 0; from < rows.length; from += 500) {
      await app.ctx.db.insert(botUpdates).values(rows.slice(from, from + 500));
    }
    const table = ownTables.find(({ name }) => name === "bot_updates");
    if (!table) throw new Error("no such table");
    const session = await openOwnBulk(app.ctx.settings, "read");
    const before = await totalsOf(session, table);
    expect(before.rows).toBe(3_000);
    let read = 0;
    for await (const batch of session.rows(table)) {
      read += batch.length;
      // Before and behind the place that is being read.
      await app.ctx.db.insert(botUpdates).values([
        { id: -read, takenAt: new Date(0) },
        { id: 10_000 + read, takenAt: new Date(0) },
      ]);
    }
    expect(read).toBe(3_000);
    expect(await totalsOf(session, table)).toEqual(before);
    await session.close();
    const after = await openOwnBulk(app.ctx.settings, "read");
    expect((await totalsOf(after, table)).rows).toBeGreaterThan(3_000);
    await after.close();
  });

  test("is over before the stored pictures are read, so that the write-ahead log is not held up by them", async () => {
    const app = await startTestApp({ clock: createTestClock(new Date()) });
    await uploadPhotos(app, await app.signIn());
    const session = await openOwnBulk(app.ctx.settings, "read");
    let looks = 0;
    /** The real storage; at each picture somebody writes, and the log is folded back. */
    const storage: Storage = {
      ...app.ctx.storage,
      async read(key) {
        looks += 1;
        await app.ctx.db.insert(botUpdates).values({ id: looks, takenAt: new Date(0) });
        if (lane === "sqlite") {
          const [row] = await app.open.database.raw("pragma wal_checkpoint(truncate)");
          expect(row).toMatchObject({ busy: 0, log: 0 });
        }
        return app.ctx.storage.read(key);
      },
    };
    const pieces: Uint8Array[] = [];
    const manifest = await takeBackup({
      header: headerOf(app.clock.now(), true),
      session,
      sums: () => ownSums(session),
      sink: async (bytes) => void pieces.push(bytes),
      files: {
        storage,
        table: "files",
        of: (row) => ({ key: String(row.storage_key), mime: String(row.mime) }),
        isDeletedByNow: async () => false,
        reread: async (at, bytes) => Buffer.concat(pieces).subarray(at, at + bytes),
      },
    });
    expect(looks).toBeGreaterThan(1);
    expect(manifest.files).toMatchObject({ stored: looks, lost: 0 });
    expect(manifest.tables.bot_updates?.rows).toBe(0);
  });
});
