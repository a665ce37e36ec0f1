import { beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createDiskStorage, type DiskStorage } from "../../src/platform/storage/disk.ts";
import { type MoveReport, moveFiles } from "../../src/platform/storage/move.ts";
import { newStorageKey, type Storage } from "../../src/platform/storage/storage.ts";
import { withFallback } from "../../src/platform/storage/two-storages.ts";
import { faultFor, type S3Door, useS3Door } from "../support/s3-door.ts";
import { S3_BUCKET } from "../support/s3-server.ts";
import { newPrefix, s3Settings, s3StorageAt } from "../support/s3-storage.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { runProgram, startProgram } from "./program.ts";

const JPEG = { mime: "image/jpeg" };
const newDoor = useS3Door();
const folder = makeTemporaryFolder("atelier-move-");

let dataFolder: string;
let disk: DiskStorage;
beforeEach(() => {
  dataFolder = mkdtempSync(join(folder, "data-"));
  disk = createDiskStorage({ folder: join(dataFolder, "files") });
});

/** Key and content of everything. */
async function contentsOf(storage: Storage): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for await (const { key } of storage.list()) {
    const file = await storage.read(key);
    contents[key] = Bun.hash((await file?.content()) ?? "").toString(16);
  }
  return contents;
}

async function fill(storage: Storage, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, () => newStorageKey("photos", "jpg"));
  for (const [index, key] of keys.entries()) {
    await storage.put(key, crypto.getRandomValues(new Uint8Array(1 + ((index * 977) % 40_000))), JPEG);
  }
  return keys;
}

function place(door: S3Door) {
  const prefix = newPrefix();
  const { STORAGE_URL = "", ...keys } = s3Settings(door, prefix);
  const base = { DATA_DIR: dataFolder, ...keys };
  const bucket = s3StorageAt(door, { prefix: `${prefix}/` });
  const move = (args: readonly string[], more: Record<string, string> = {}) =>
    runProgram(["storage", "move", ...args], { environment: { ...base, ...more } });
  const counted = async (args: readonly string[], more: Record<string, string> = {}) => {
    const { code, out, err } = await move([...args, "--json"], more);
    if (out === "") throw new Error(err);
    return { code, ...(JSON.parse(out) as MoveReport) };
  };
  return { url: STORAGE_URL, base, bucket, move, counted };
}

const inOrder = { code: 0, failed: 0, faults: [] };

describe("atelier storage move", () => {
  test("copies everything to a bucket, verifies it, says what comes next, and a second run moves nothing", async () => {
    const { url, bucket, move, counted } = place(newDoor());
    await fill(disk, 25);
    const before = await contentsOf(disk);
    const first = await move(["--to", url]);
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^ +25 +copied, read back and the same$/m);
    expect(first.out).toContain(`1. set STORAGE_URL=${url} and STORAGE_FALLBACK_URL=disk`);
    expect(first.err).toContain("100 %");
    expect(first.out + first.err).not.toContain("S3RVER");
    expect(await contentsOf(bucket)).toEqual(before);
    expect(await contentsOf(disk)).toEqual(before);
    expect(await counted(["--to", url])).toMatchObject({ ...inOrder, files: 25, copied: 0, already_there: 25 });
    const trusting = await counted(["--to", url, "--trust-sizes"]);
    expect(trusting).toMatchObject({ ...inOrder, copied: 0, already_there: 25, deleted_at_source: 0 });
  });

  test("deletes at the source only when asked, and only once the server stores elsewhere", async () => {
    const { url, bucket, move, counted } = place(newDoor());
    await fill(disk, 6);
    const before = await contentsOf(disk);
    const early = await move(["--to", url, "--delete-source"]);
    expect([early.code, early.err]).toEqual([2, expect.stringContaining("the server still stores pictures in disk")]);
    expect(await contentsOf(disk)).toEqual(before);
    expect(await contentsOf(bucket)).toEqual({});
    const late = await counted(["--to", "s3", "--delete-source"], { STORAGE_URL: url });
    expect(late).toMatchObject({ ...inOrder, copied: 6, deleted_at_source: 6 });
    expect(await contentsOf(bucket)).toEqual(before);
    expect(await contentsOf(disk)).toEqual({});
  });

  test("and back to the disk, from the bucket that the settings name", async () => {
    const { url, bucket, counted } = place(newDoor());
    await fill(bucket, 8);
    const before = await contentsOf(bucket);
    const switched = { STORAGE_URL: "", STORAGE_FALLBACK_URL: url };
    const report = await counted(["--to", "disk", "--delete-source"], switched);
    expect(report).toMatchObject({ ...inOrder, copied: 8, deleted_at_source: 8 });
    expect(await contentsOf(disk)).toEqual(before);
    expect(await contentsOf(bucket)).toEqual({});
  });

  test("killed at any point it goes on where it was, and nothing is lost or half there", async () => {
    const door = newDoor();
    const { url, base, bucket, counted } = place(door);
    await fill(disk, 24);
    const before = await contentsOf(disk);
    const environment = { ...base, STORAGE_URL: url };
    let copied = 0;
    for (const puts of [1, 6, 9]) {
      const run = startProgram(["storage", "move", "--from", "disk", "--to", url, "--delete-source"], { environment });
      let seen = 0;
      door.fault = (request) => {
        if (request.method === "PUT") seen += 1;
        if (seen >= puts) run.kill("SIGKILL");
        return null;
      };
      await run.exited;
      expect(run.signalCode).toBe("SIGKILL");
      door.fault = () => null;
      const [there, left] = [await contentsOf(bucket), await contentsOf(disk)];
      expect({ ...there, ...left }).toEqual(before);
      for (const [key, hash] of Object.entries(there)) expect(before[key]).toBe(hash);
      expect(Object.keys(there).length).toBeGreaterThanOrEqual(copied);
      copied = Object.keys(there).length;
    }
    expect(copied).toBeGreaterThan(0);
    expect(Object.keys(await contentsOf(disk)).length).toBeGreaterThan(0);
    const last = await counted(["--from", "disk", "--to", url, "--delete-source"], { STORAGE_URL: url });
    expect(last).toMatchObject(inOrder);
    expect(await contentsOf(bucket)).toEqual(before);
    expect(await contentsOf(disk)).toEqual({});
  }, 60_000);

  const misuse: Array<readonly [string[], Record<string, string>, string]> = [
    [[], {}, "--to is missing"],
    [["--to", "ftp://x"], {}, "must be disk, s3, s3://bucket"],
    [["--to", "s3"], {}, "neither STORAGE_URL nor STORAGE_FALLBACK_URL names a bucket"],
    [["--to", "disk"], {}, "name no bucket that files could come from"],
    [["--to", "disk", "--from", "disk"], {}, "both where from and where to"],
    [["--to", `s3://${S3_BUCKET}`], { S3_SECRET_ACCESS_KEY: "" }, "S3_SECRET_ACCESS_KEY is not set"],
    [["--to", `s3://${S3_BUCKET}`], { S3_SECRET_ACCESS_KEY: "", S3_ACCESS_KEY_ID: "" }, "are not set"],
    [["--to", "s3://no-such-bucket", "--from", `s3://no-bucket-either`], {}, "no such bucket"],
  ];
  for (const [args, more, says] of misuse) {
    test(`storage move ${args.join(" ")} with ${JSON.stringify(more)} is refused with a sentence`, async () => {
      const { move } = place(newDoor());
      const { code, out, err } = await move(args, more);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain(says);
      expect(err).not.toContain("    at ");
    });
  }
});

describe("a move", () => {
  const run = (from: Storage, to: Storage, more: Partial<Parameters<typeof moveFiles>[0]> = {}) =>
    moveFiles({ from, to, deleteSource: false, trustSizes: false, onProgress: () => {}, ...more });

  test("finds what is different at the target, leaves both and deletes neither", async () => {
    const bucket = s3StorageAt(newDoor());
    const [key = ""] = await fill(disk, 1);
    const size = (await disk.read(key))?.bytes ?? 0;
    await bucket.put(key, new Uint8Array(size).fill(99), JPEG);
    const before = [await contentsOf(disk), await contentsOf(bucket)];
    expect(await run(disk, bucket, { deleteSource: true, trustSizes: true })).toMatchObject({
      failed: 1,
      deleted_at_source: 0,
      faults: [expect.stringContaining("another content")],
    });
    expect([await contentsOf(disk), await contentsOf(bucket)]).toEqual(before);
  });

  test("a copy that does not read back as it was written is taken away again, and its source stays", async () => {
    const bucket = s3StorageAt(newDoor());
    await fill(disk, 3);
    const before = await contentsOf(disk);
    const liar: Storage = {
      ...bucket,
      put: (key, content, options) =>
        bucket.put(key, content instanceof Uint8Array ? content : new Uint8Array(content.bytes).fill(7), options),
    };
    const report = await run(disk, liar, { deleteSource: true });
    expect(report).toMatchObject({ failed: 3, copied: 0, deleted_at_source: 0 });
    expect(await contentsOf(disk)).toEqual(before);
    expect(await contentsOf(bucket)).toEqual({});
  });

  test("X4 a file that the server deletes while it is being copied is not brought back", async () => {
    const bucket = s3StorageAt(newDoor());
    const keys = await fill(disk, 12);
    const served = withFallback(bucket, disk);
    const doomed = new Set(keys.filter((_, index) => index % 3 === 0));
    const meanwhile: Storage = {
      ...bucket,
      async put(key, content, options) {
        // The server's deletion comes just before the copy appears, and just after it for others.
        if (doomed.has(key) && keys.indexOf(key) % 2 === 0) await served.delete(key);
        await bucket.put(key, content, options);
        if (doomed.has(key)) await served.delete(key);
      },
    };
    const report = await run(disk, meanwhile);
    expect(report).toMatchObject({ gone: 4, failed: 0 });
    expect(Object.keys(await contentsOf(bucket)).toSorted()).toEqual(keys.filter((key) => !doomed.has(key)).toSorted());
    for (const key of doomed) expect(await served.read(key)).toBeNull();
  });

  test("what moves is there for its readers at every moment, also while the source is being emptied", async () => {
    const bucket = s3StorageAt(newDoor());
    const keys = await fill(disk, 40);
    const served = withFallback(bucket, disk);
    let isMoving = true;
    let reads = 0;
    const missed: string[] = [];
    const reading = (async () => {
      while (isMoving) {
        const key = keys[reads % keys.length] ?? "";
        reads += 1;
        if ((await served.read(key)) === null) missed.push(key);
      }
    })();
    await run(disk, bucket, { deleteSource: true });
    isMoving = false;
    await reading;
    expect(missed).toEqual([]);
    expect(reads).toBeGreaterThan(40);
    expect(Object.keys(await contentsOf(served)).length).toBe(40);
  });

  test("a file that moves between a reader's two looks is found all the same", async () => {
    const bucket = s3StorageAt(newDoor());
    const [key = ""] = await fill(disk, 1);
    const before = await contentsOf(disk);
    let looks = 0;
    const primary: Storage = {
      ...bucket,
      async read(wanted) {
        const found = await bucket.read(wanted);
        looks += 1;
        if (looks === 1) await run(disk, bucket, { deleteSource: true });
        return found;
      },
    };
    const file = await withFallback(primary, disk).read(key);
    expect(Bun.hash((await file?.content()) ?? "").toString(16)).toBe(before[key] ?? "");
    expect(await contentsOf(disk)).toEqual({});
  });

  test("waits out a short outage, and gives up on a long one with what it has", async () => {
    const door = newDoor();
    const bucket = s3StorageAt(door);
    await fill(disk, 30);
    const before = await contentsOf(disk);
    door.fault = faultFor("SlowDown", 2);
    expect(await run(disk, bucket)).toMatchObject({ copied: 30, failed: 0 });
    const elsewhere = s3StorageAt(door);
    let puts = 0;
    door.fault = (request) => {
      if (request.method === "PUT") puts += 1;
      return puts > 5 ? "500" : null;
    };
    const report = await run(disk, elsewhere, { deleteSource: true });
    expect(report.failed).toBeGreaterThanOrEqual(10);
    expect(report.done).toBeLessThan(30);
    door.fault = () => null;
    expect({ ...(await contentsOf(elsewhere)), ...(await contentsOf(disk)) }).toEqual(before);
    expect(await run(disk, elsewhere, { deleteSource: true })).toMatchObject({ failed: 0 });
    expect(await contentsOf(elsewhere)).toEqual(before);
  });
});
