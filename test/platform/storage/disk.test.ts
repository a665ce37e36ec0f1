import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { link, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createDiskStorage, type DiskStorage } from "../../../src/platform/storage/disk.ts";
import { isStorageKey, newStorageKey, StorageKeyTaken } from "../../../src/platform/storage/storage.ts";

const JPEG = { mime: "image/jpeg" };
let base: string;
let folder: string;
let storage: DiskStorage;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "atelier-disk-"));
  folder = join(base, "files");
  storage = createDiskStorage({ folder });
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function keysOf(prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const entry of storage.list(prefix)) keys.push(entry.key);
  return keys.sort();
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

async function bytesUnder(key: string): Promise<Uint8Array | undefined> {
  return (await storage.read(key))?.content();
}

describe("files", () => {
  test("what is put can be read back whole and as a stream, and is gone after delete", async () => {
    const key = newStorageKey("photos", "jpg");
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await storage.put(key, bytes, JPEG);
    const file = await storage.read(key);
    expect(file?.bytes).toBe(60_000);
    expect(await file?.content()).toEqual(bytes);
    expect(new Uint8Array(await new Response(file?.stream()).arrayBuffer())).toEqual(bytes);
    await storage.delete(key);
    expect(await storage.read(key)).toBeNull();
  });

  test("deleting twice, or what never was, is no error", async () => {
    const key = newStorageKey("photos", "jpg");
    await storage.delete(key);
    await storage.put(key, new Uint8Array([1]), JPEG);
    await storage.delete(key);
    await storage.delete(key);
    expect(await storage.read(key)).toBeNull();
    expect(await storage.read("never/was")).toBeNull();
    expect(await keysOf()).toEqual([]);
  });

  test("an empty file is a file", async () => {
    await storage.put("photos/empty", new Uint8Array(), JPEG);
    expect((await storage.read("photos/empty"))?.bytes).toBe(0);
    expect(await bytesUnder("photos/empty")).toEqual(new Uint8Array());
  });

  test("a key that holds a file is never overwritten", async () => {
    await storage.put("photos/one.jpg", new Uint8Array([1]), JPEG);
    await expect(storage.put("photos/one.jpg", new Uint8Array([2]), JPEG)).rejects.toBeInstanceOf(StorageKeyTaken);
    expect(await bytesUnder("photos/one.jpg")).toEqual(new Uint8Array([1]));
    expect(await readdir(join(folder, ".tmp"))).toEqual([]);
  });

  test("of 20 puts under one key at once exactly one wins, and its file is whole", async () => {
    const contents = Array.from({ length: 20 }, (_, index) => new Uint8Array(50_000).fill(index + 1));
    const outcomes = await Promise.allSettled(contents.map((bytes) => storage.put("photos/race.jpg", bytes, JPEG)));
    const winner = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
    const losers = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(losers).toHaveLength(19);
    for (const loser of losers) expect(loser.reason).toBeInstanceOf(StorageKeyTaken);
    expect(await bytesUnder("photos/race.jpg")).toEqual(contents[winner]);
    expect(await readdir(join(folder, ".tmp"))).toEqual([]);
  });

  test("60 puts at once into a folder that is not there yet all arrive", async () => {
    const keys = Array.from({ length: 60 }, () => newStorageKey("results", "png"));
    await Promise.all(keys.map((key, index) => storage.put(key, new Uint8Array([index]), JPEG)));
    expect(await keysOf()).toEqual(keys.toSorted());
    for (const [index, key] of keys.entries()) expect(await bytesUnder(key)).toEqual(new Uint8Array([index]));
  });

  test("folders are 0700 and files 0600", async () => {
    const key = newStorageKey("photos", "jpg");
    await storage.put(key, new Uint8Array([1]), JPEG);
    expect(await modeOf(join(folder, key))).toBe(0o600);
    for (const path of [folder, join(folder, ".tmp"), join(folder, "photos"), dirname(join(folder, key))]) {
      expect(await modeOf(path)).toBe(0o700);
    }
  });

  test("a write that fails leaves nothing behind and says so", async () => {
    await storage.put("photos/file", new Uint8Array([1]), JPEG);
    await expect(storage.put("photos/file/below", new Uint8Array([2]), JPEG)).rejects.toThrow();
    expect(await keysOf()).toEqual(["photos/file"]);
    expect(await readdir(join(folder, ".tmp"))).toEqual([]);
  });
});

describe("keys", () => {
  const hostile = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "photos/../../outside",
    "photos/..",
    "photos/a..b",
    "./photos",
    "photos/./x",
    "photos//x",
    "photos/",
    ".tmp/x",
    "photos/.hidden",
    "photos\\x",
    "photos/%2e%2e/x",
    "photos/\u0000x",
    "photos/x\n",
    "Photos/X",
    "photos/фото",
    "C:/x",
    `photos/${"x".repeat(200)}`,
  ];

  for (const key of hostile) {
    test(`${JSON.stringify(key.slice(0, 30))} is no key: nothing is written, read or deleted`, async () => {
      const outside = join(base, "outside");
      await writeFile(outside, "untouched");
      await expect(storage.put(key, new Uint8Array([1]), JPEG)).rejects.toThrow("malformed storage key");
      await expect(storage.read(key)).rejects.toThrow("malformed storage key");
      await expect(storage.delete(key)).rejects.toThrow("malformed storage key");
      expect(await Bun.file(outside).text()).toBe("untouched");
      expect(await readdir(base)).toEqual(["outside"]);
    });
  }

  test("J8 new keys are well-formed, sharded by their first two digits, and all different", () => {
    const keys = Array.from({ length: 1_000 }, () => newStorageKey("photos", "jpg"));
    expect(new Set(keys).size).toBe(1_000);
    for (const key of keys) {
      expect(key).toMatch(
        /^photos\/([0-9a-f]{2})\/\1[0-9a-f]{6}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.jpg$/,
      );
      expect(isStorageKey(key)).toBe(true);
    }
    expect(() => newStorageKey("../photos", "jpg")).toThrow("storage key");
    expect(() => newStorageKey("photos", "JPG/..")).toThrow("storage key");
  });

  test("a symbolic link and a folder are no stored files", async () => {
    await storage.put("photos/real.jpg", new Uint8Array([1]), JPEG);
    await writeFile(join(base, "secret"), "secret");
    await symlink(join(base, "secret"), join(folder, "photos", "link.jpg"));
    expect(await storage.read("photos/link.jpg")).toBeNull();
    expect(await storage.read("photos")).toBeNull();
    expect(await keysOf()).toEqual(["photos/real.jpg"]);
  });
});

describe("listing and leftovers", () => {
  test("list gives key, size and time of what starts with the prefix", async () => {
    for (const key of ["photos/ab/one.jpg", "photos/ac/two.jpg", "photos-old/three.jpg", "results/four.png"]) {
      await storage.put(key, new Uint8Array(key.length), JPEG);
    }
    expect(await keysOf()).toHaveLength(4);
    expect(await keysOf("photos/")).toEqual(["photos/ab/one.jpg", "photos/ac/two.jpg"]);
    expect(await keysOf("photos")).toEqual(["photos-old/three.jpg", "photos/ab/one.jpg", "photos/ac/two.jpg"]);
    expect(await keysOf("photos/a")).toEqual(["photos/ab/one.jpg", "photos/ac/two.jpg"]);
    expect(await keysOf("photos/ab/one.jpg")).toEqual(["photos/ab/one.jpg"]);
    expect(await keysOf("photos/ab/one.jpg/")).toEqual([]);
    expect(await keysOf("../")).toEqual([]);
    for await (const entry of storage.list("results/")) {
      expect(entry.bytes).toBe("results/four.png".length);
      expect(Math.abs(entry.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
    }
  });

  test("listing before the first write gives nothing and makes no folder", async () => {
    expect(await keysOf()).toEqual([]);
    expect(await storage.sweepTemporary(0)).toBe(0);
    expect(await readdir(base)).toEqual([]);
  });

  test("files that go away during a listing are left out", async () => {
    const keys = Array.from({ length: 10 }, () => newStorageKey("photos", "jpg"));
    for (const key of keys) await storage.put(key, new Uint8Array([1]), JPEG);
    const seen: string[] = [];
    for await (const entry of storage.list()) {
      seen.push(entry.key);
      await Promise.all(keys.filter((key) => !seen.includes(key)).map((key) => storage.delete(key)));
    }
    expect(seen).toHaveLength(1);
  });

  test("what a crash left is never listed, and swept once it is old enough", async () => {
    await storage.put("photos/whole.jpg", new Uint8Array([1]), JPEG);
    const temporary = join(folder, ".tmp");
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, "old.tmp"), "half a pict");
    await writeFile(join(temporary, "fresh.tmp"), "under way");
    await writeFile(join(temporary, "strange.txt"), "not ours");
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const name of ["old.tmp", "strange.txt"]) await utimes(join(temporary, name), hourAgo, hourAgo);

    expect(await keysOf()).toEqual(["photos/whole.jpg"]);
    expect(await storage.sweepTemporary(30 * 60_000)).toBe(1);
    expect((await readdir(temporary)).sort()).toEqual(["fresh.tmp", "strange.txt"]);
    expect(await bytesUnder("photos/whole.jpg")).toEqual(new Uint8Array([1]));
  });

  test("a file whose writer was killed between linking and tidying stays whole when the leftover is swept", async () => {
    await storage.put("photos/linked.jpg", new Uint8Array([1, 2, 3]), JPEG);
    await link(join(folder, "photos/linked.jpg"), join(folder, ".tmp", "second-name.tmp"));
    expect(await storage.sweepTemporary(0)).toBe(1);
    expect(await bytesUnder("photos/linked.jpg")).toEqual(new Uint8Array([1, 2, 3]));
  });
});

describe("the doctor's check", () => {
  test("passes on a working folder and leaves nothing behind", async () => {
    await storage.check();
    expect(await keysOf()).toEqual([]);
  });

  test("fails where no folder can be made", async () => {
    await writeFile(join(base, "occupied"), "a file");
    await expect(createDiskStorage({ folder: join(base, "occupied") }).check()).rejects.toThrow();
    expect(await Bun.file(join(base, "occupied")).text()).toBe("a file");
  });
});
