import { describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { files } from "../../src/features/photos/index.ts";
import { erasures } from "../../src/features/privacy/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { startTestApp } from "../support/app.ts";
import { realClock } from "../support/clock.ts";
import { uploadPhotos } from "../support/fitting.ts";
import { MARKERS, signInMarked } from "../support/full-person.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { tracesInTables } from "../support/traces.ts";
import { readZip } from "../support/zip.ts";
import { runProgram, settingsOf } from "./program.ts";

const app = await startTestApp({ clock: realClock });
const environment = {
  ...settingsOf(app.database),
  LINK_SECRET: app.ctx.settings.LINK_SECRET.join(","),
};
const run = (...args: string[]) => runProgram(["user", ...args], { environment });

describe("atelier user export", () => {
  test("writes what the person would get, for the operator's eyes only, and over no other file", async () => {
    const person = await signInMarked(app, 7_000_100_001);
    await uploadPhotos(app, person);
    const folder = makeTemporaryFolder("atelier-export-");
    const path = join(folder, "anna.zip");
    const done = await run("export", "7000100001", "--out", path);
    expect([done.code, done.err]).toEqual([0, ""]);
    expect(done.out).toContain(`Wrote ${statSync(path).size} bytes to ${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const archive = readZip(await Bun.file(path).bytes());
    expect(Buffer.from(archive.get("data/users.json") ?? []).toString()).toContain(MARKERS.username);
    expect([...archive.keys()].filter((name) => name.startsWith("files/"))).toHaveLength(2);

    writeFileSync(path, "mine");
    const refused = await run("export", "7000100001", "--out", path);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("is there already");
    expect(await Bun.file(path).text()).toBe("mine");
  });

  test("knows nobody who never signed in", async () => {
    const refused = await run("export", "42");
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("Nobody with the Telegram id 42");
    expect(existsSync("atelier-export-42.zip")).toBe(false);
  });
});

describe("atelier user erase", () => {
  test("X4 --dry-run counts what the real run then does, and changes nothing; a banned person is erased too", async () => {
    const person = await signInMarked(app, 7_000_100_002);
    await uploadPhotos(app, person);
    await app.ctx.db.update(users).set({ bannedAt: app.clock.now(), banReason: "loud" }).where(eq(users.id, person.id));
    const planned = JSON.parse((await run("erase", "7000100002", "--dry-run", "--json")).out);
    expect(planned).toMatchObject({ dry_run: true, files: 2, credits_forfeited: 0, deleted: { sessions: 1 } });
    expect((await app.request("/profile", { as: person })).status).toBe(403);
    expect(await app.ctx.db.select().from(erasures)).toEqual([]);
    const shown = await run("erase", "7000100002", "--dry-run");
    expect(shown.out).toMatch(/^ +2 {2}would go: pictures$/m);

    const done = JSON.parse((await run("erase", "7000100002", "--json")).out);
    const { receipt_id, erased_at: _at, files_refused, ...counts } = done;
    expect({ ...counts, dry_run: true }).toEqual(planned);
    expect(files_refused).toBe(0);
    expect((await app.request("/profile", { as: person })).status).toBe(401);
    expect(await tracesInTables(app, ["7000100002", "loud"])).toEqual([]);
    // The bytes are gone already, without a server.
    const rows = await app.ctx.db.select().from(files).where(eq(files.userId, person.id));
    for (const row of rows) expect(await app.ctx.storage.read(row.storageKey)).toBeNull();
    expect(await app.ctx.db.select().from(erasures)).toMatchObject([{ id: receipt_id, askedBy: "operator" }]);

    const again = await run("erase", "7000100002");
    expect([again.code, again.err.includes("Nobody with the Telegram id")]).toEqual([2, true]);
    await expect(signInMarked(app, 7_000_100_002)).rejects.toThrow("banned");
  });

  test("X4 is refused, changing nothing, where the key is missing under which it is remembered who left", async () => {
    const person = await signInMarked(app, 7_000_100_003);
    const refused = await runProgram(["user", "erase", "7000100003"], { environment: settingsOf(app.database) });
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("LINK_SECRET is not set here");
    expect((await app.request("/profile", { as: person })).status).toBe(200);
    const dry = await runProgram(["user", "erase", "7000100003", "--dry-run"], {
      environment: settingsOf(app.database),
    });
    expect(dry.code).toBe(0);
  });
});
