import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDiskStorage } from "../../../src/platform/storage/disk.ts";
import {
  digestOf,
  fileOf,
  newStorageKey,
  type Storage,
  StorageKeyTaken,
  type StoredFile,
} from "../../../src/platform/storage/storage.ts";
import { withFallback } from "../../../src/platform/storage/two-storages.ts";
import { useS3Door } from "../../support/s3-door.ts";
import { s3StorageAt } from "../../support/s3-storage.ts";

/** What every kind of storage has to do, a folder and a bucket alike. */

const JPEG = { mime: "image/jpeg" };
const door = useS3Door();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-storage-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const onDisk = (name = "files") => createDiskStorage({ folder: join(folder, name) });
const kinds: ReadonlyArray<readonly [name: string, open: () => Promise<Storage>]> = [
  ["a folder", async () => onDisk()],
  ["a bucket", async () => s3StorageAt(door())],
  ["a whole bucket without a prefix of its own", async () => s3StorageAt(door(), { prefix: "" })],
  ["a bucket in front of a folder", async () => withFallback(s3StorageAt(door()), onDisk())],
];

async function keysOf(storage: Storage, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const entry of storage.list(prefix)) keys.push(entry.key);
  return keys.sort();
}

const randomBytes = (size: number) => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65_536)));
  return bytes;
};

for (const [name, open] of kinds) {
  describe(name, () => {
    let storage: Storage;
    /** Tests of one bucket keep apart. */
    let own: string;

    beforeEach(async () => {
      storage = await open();
      own = `own${crypto.randomUUID().slice(0, 8)}`;
    });

    test("what is put can be read back whole and as a stream, and is gone after delete", async () => {
      const key = newStorageKey(own, "jpg");
      const bytes = randomBytes(600_001);
      await storage.put(key, bytes, JPEG);
      const file = await storage.read(key);
      expect(file?.bytes).toBe(600_001);
      expect(await file?.content()).toEqual(bytes);
      expect(new Uint8Array(await new Response(file?.stream()).arrayBuffer())).toEqual(bytes);
      await storage.delete(key);
      expect(await storage.read(key)).toBeNull();
    });

    test("a picture as large as any result comes through, from memory and from another storage", async () => {
      const [one, other] = [newStorageKey(own, "jpg"), newStorageKey(own, "jpg")];
      const bytes = randomBytes(30 * 1024 * 1024);
      await storage.put(one, bytes, JPEG);
      const stored = (await storage.read(one)) as StoredFile;
      await storage.put(other, stored, JPEG);
      expect(await digestOf((await storage.read(other)) as StoredFile)).toEqual(await digestOf(fileOf(bytes)));
      await storage.delete(one);
      await storage.delete(other);
    });

    test("deleting twice, or what never was, is no error", async () => {
      const key = newStorageKey(own, "jpg");
      await storage.delete(key);
      await storage.put(key, new Uint8Array([1]), JPEG);
      await storage.delete(key);
      await storage.delete(key);
      expect(await storage.read(key)).toBeNull();
      expect(await keysOf(storage, `${own}/`)).toEqual([]);
    });

    test("an empty file is a file", async () => {
      const key = `${own}/empty`;
      await storage.put(key, new Uint8Array(), JPEG);
      const file = await storage.read(key);
      expect(file?.bytes).toBe(0);
      expect(await file?.content()).toEqual(new Uint8Array());
      expect(await new Response(file?.stream()).text()).toBe("");
    });

    test("a key that holds a file is never overwritten", async () => {
      const key = `${own}/one.jpg`;
      await storage.put(key, new Uint8Array([1]), JPEG);
      await expect(storage.put(key, new Uint8Array([2]), JPEG)).rejects.toBeInstanceOf(StorageKeyTaken);
      await expect(storage.put(key, new Uint8Array([1]), JPEG)).rejects.toBeInstanceOf(StorageKeyTaken);
      expect(await (await storage.read(key))?.content()).toEqual(new Uint8Array([1]));
    });

    test("of 20 puts under one key at once exactly one wins, and its file is whole", async () => {
      const key = `${own}/race.jpg`;
      const contents = Array.from({ length: 20 }, (_, index) => new Uint8Array(50_000).fill(index + 1));
      const outcomes = await Promise.allSettled(contents.map((bytes) => storage.put(key, bytes, JPEG)));
      const winner = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
      const losers = outcomes.filter((outcome) => outcome.status === "rejected");
      expect(losers).toHaveLength(19);
      for (const loser of losers) expect(loser.reason).toBeInstanceOf(StorageKeyTaken);
      expect(await (await storage.read(key))?.content()).toEqual(contents[winner]);
    });

    test("60 puts at once all arrive", async () => {
      const keys = Array.from({ length: 60 }, () => newStorageKey(own, "png"));
      await Promise.all(keys.map((key, index) => storage.put(key, new Uint8Array([index]), JPEG)));
      expect(await keysOf(storage, `${own}/`)).toEqual(keys.toSorted());
      const contents = await Promise.all(keys.map(async (key) => (await storage.read(key))?.content()));
      expect(contents).toEqual(keys.map((_, index) => new Uint8Array([index])));
    });

    test("what is no key is neither written, read nor deleted", async () => {
      for (const key of ["", "/", "../outside", `${own}/..`, `${own}//x`, `${own}/`, ".tmp/x", `${own}/%2e%2e/x`]) {
        await expect(storage.put(key, new Uint8Array([1]), JPEG)).rejects.toThrow("malformed storage key");
        await expect(storage.read(key)).rejects.toThrow("malformed storage key");
        await expect(storage.delete(key)).rejects.toThrow("malformed storage key");
      }
    });

    test("list gives key, size and time of what starts with the prefix", async () => {
      for (const key of ["ab/one.jpg", "ac/two.jpg", "ab-old/three.jpg"]) {
        await storage.put(`${own}/${key}`, new Uint8Array(key.length), JPEG);
      }
      expect(await keysOf(storage, `${own}/ab/`)).toEqual([`${own}/ab/one.jpg`]);
      expect(await keysOf(storage, `${own}/ab`)).toEqual([`${own}/ab-old/three.jpg`, `${own}/ab/one.jpg`]);
      expect(await keysOf(storage, `${own}/a`)).toHaveLength(3);
      expect(await keysOf(storage, `${own}/ab/one.jpg`)).toEqual([`${own}/ab/one.jpg`]);
      expect(await keysOf(storage, `${own}/ab/one.jpg/`)).toEqual([]);
      expect(await keysOf(storage, "../")).toEqual([]);
      for await (const entry of storage.list(`${own}/ac/`)) {
        expect(entry.bytes).toBe("ac/two.jpg".length);
        expect(Math.abs(entry.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
      }
    });

    test("files that go away during a listing do no harm", async () => {
      const keys = Array.from({ length: 10 }, () => newStorageKey(own, "jpg"));
      for (const key of keys) await storage.put(key, new Uint8Array([1]), JPEG);
      const seen = new Set<string>();
      for await (const entry of storage.list(`${own}/`)) {
        seen.add(entry.key);
        await storage.delete(entry.key);
      }
      expect([...seen].toSorted()).toEqual(keys.toSorted());
      expect(await keysOf(storage, `${own}/`)).toEqual([]);
    });

    test("the doctor's check passes and leaves nothing, and there is a sign of life", async () => {
      await storage.check();
      await storage.ping();
      expect(await keysOf(storage, "check/")).toEqual([]);
    });
  });
}
