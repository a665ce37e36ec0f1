import { describe, expect, test } from "bun:test";
import {
  newStorageKey,
  type Storage,
  StorageFailure,
  StorageKeyTaken,
  type StoredFile,
} from "../../../src/platform/storage/storage.ts";
import { describeError } from "../../../src/platform/telemetry/describe-error.ts";
import { faultFor, type S3Fault, type SeenRequest, useS3Door } from "../../support/s3-door.ts";
import { S3_BUCKET, S3_KEYS, S3_REGION, s3ServerPort } from "../../support/s3-server.ts";
import { newPrefix, s3StorageAt, TEST_S3_LIMITS } from "../../support/s3-storage.ts";
import { within } from "../../support/timing.ts";
import { until } from "../../support/until.ts";

/** What a bucket can do wrong, and what a bucket alone can do; what every storage has to do stands in `contract.test.ts`. */

const JPEG = { mime: "image/jpeg" };
const newDoor = useS3Door();

const bytesOf = (size: number) => new Uint8Array(size).map((_, at) => (at * 7) % 251);
const isPut = (request: SeenRequest) => request.method === "PUT";
const isGet = (request: SeenRequest) => request.method === "GET" && request.path.endsWith(".jpg");

async function failureOf(work: Promise<unknown>): Promise<StorageFailure> {
  const error = await work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof StorageFailure) return error;
  throw error;
}

async function all(list: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _entry of list) count += 1;
  return count;
}

/** Every call of a storage, each on a file of its own that is there. */
async function everyCall(storage: Storage): Promise<Array<readonly [name: string, call: () => Promise<unknown>]>> {
  const keys = Array.from({ length: 4 }, () => newStorageKey("photos", "jpg"));
  for (const key of keys) await storage.put(key, bytesOf(100_000), JPEG);
  const [read = "", content = "", removed = "", link = ""] = keys;
  const opened = (await storage.read(content)) as StoredFile;
  return [
    ["put", () => storage.put(newStorageKey("photos", "jpg"), bytesOf(1_000), JPEG)],
    ["read", () => storage.read(read)],
    ["content", () => opened.content()],
    ["stream", () => new Response(opened.stream()).arrayBuffer()],
    ["delete", () => storage.delete(removed)],
    ["list", () => all(storage.list())],
    ["check", () => storage.check()],
    ["link", () => storage.link(link, { mime: "image/jpeg", disposition: "inline" })],
  ];
}

describe("a storage that is away", () => {
  test("F10 one that takes requests and says nothing holds no call longer than its limit, and no connection either", async () => {
    const door = newDoor();
    const calls = await everyCall(s3StorageAt(door));
    const before = door.openConnections();
    door.fault = () => "hang";
    const startedAt = performance.now();
    const failures = await Promise.all(calls.map(([, call]) => failureOf(call())));
    // Three tries of 0.4 s, though no new one begins after 1 s.
    expect(performance.now() - startedAt).toBeLessThan(within(2_500, 12_000));
    for (const failure of failures) expect(failure.message).toContain("did not answer");
    expect(failures.map((failure) => failure.refused)).toEqual(calls.map(() => false));
    // Bun's own client, which lists, cannot be cut off: three tries of it may still be open.
    await until(() => door.openConnections() <= before + 3, "cut off connections");
  });

  test("F10 hundreds of hanging requests leave the process able to ask others", async () => {
    const door = newDoor();
    const storage = s3StorageAt(door);
    door.fault = () => "hang";
    const failures = Array.from({ length: 400 }, () => failureOf(storage.read("photos/a.jpg")));
    await Bun.sleep(100);
    const startedAt = performance.now();
    const answer = await fetch(`http://127.0.0.1:${await s3ServerPort()}/`, { signal: AbortSignal.timeout(10_000) });
    expect(answer.status).toBeLessThan(500);
    expect(performance.now() - startedAt).toBeLessThan(within(300, 9_000));
    const messages = (await Promise.all(failures)).map((failure) => failure.message);
    const refusedAtOnce = messages.filter((message) => message.startsWith("more than 128 requests")).length;
    expect(refusedAtOnce).toBeGreaterThanOrEqual(400 - 128);
    door.fault = () => null;
    expect(await storage.read("photos/a.jpg")).toBeNull();
  });

  for (const fault of ["500", "SlowDown", "TooManyRequests", "reset"] as const satisfies S3Fault[]) {
    test(`F10 two times ${fault} are waited out, three are a failure, and then it heals`, async () => {
      const door = newDoor();
      const storage = s3StorageAt(door);
      for (const [name, call] of await everyCall(storage)) {
        door.fault = faultFor(fault, 2);
        await call().catch((error: unknown) => {
          throw new Error(`${name} after two times ${fault}: ${error}`);
        });
      }
      for (const [, call] of await everyCall(storage)) {
        door.fault = () => fault;
        const before = door.seen.length;
        const failure = await failureOf(call());
        door.fault = () => null;
        expect(failure.refused).toBe(false);
        expect(failure.message).toContain(failure.message.includes("broke off") ? "3 times" : "(3 tries)");
        // A kept connection that breaks is tried once more by fetch itself.
        expect(door.seen.length - before).toBeGreaterThanOrEqual(3);
        expect(door.seen.length - before).toBeLessThanOrEqual(fault === "reset" ? 6 : 3);
      }
      door.fault = () => null;
      await storage.check();
    });
  }
});

describe("a write", () => {
  for (const conditional of [true, false]) {
    test(`whose answer was lost is stored once and counts as done, where conditions are ${conditional ? "obeyed" : "ignored"}`, async () => {
      const door = newDoor();
      door.conditional = conditional;
      const storage = s3StorageAt(door);
      const key = newStorageKey("photos", "jpg");
      door.fault = faultFor("lost", 1, isPut);
      await storage.put(key, bytesOf(70_000), JPEG);
      expect(await (await storage.read(key))?.content()).toEqual(bytesOf(70_000));
      expect(door.seen.filter(isPut).filter(({ path }) => path.endsWith(key))).toHaveLength(2);
    });
  }

  test("that was cut off is refused when somebody else's file came between its tries", async () => {
    const door = newDoor();
    const prefix = `${newPrefix()}/`;
    const other = s3StorageAt(door, { prefix });
    const key = newStorageKey("photos", "jpg");
    let isTaken = false;
    const storage = s3StorageAt(door, {
      prefix,
      sleep: async () => {
        isTaken = true;
        await other.put(key, bytesOf(70_000).reverse(), JPEG);
      },
    });
    door.fault = (request) => (isTaken || !isPut(request) ? null : "reset");
    await expect(storage.put(key, bytesOf(70_000), JPEG)).rejects.toBeInstanceOf(StorageKeyTaken);
    expect(await (await storage.read(key))?.content()).toEqual(bytesOf(70_000).reverse());
  });

  test("says that it must not overwrite, and its type; a storage that does not know the condition is asked without", async () => {
    const door = newDoor();
    const storage = s3StorageAt(door);
    const key = newStorageKey("photos", "jpg");
    door.fault = (request) => (request.headers["if-none-match"] === undefined ? null : "501");
    await storage.put(key, bytesOf(10), JPEG);
    const [first, second] = door.seen.filter(isPut).filter(({ path }) => path.endsWith(key));
    expect(first?.headers).toMatchObject({
      "if-none-match": "*",
      "content-type": "image/jpeg",
      "content-length": "10",
    });
    expect(second?.headers["if-none-match"]).toBeUndefined();
    expect((await storage.read(key))?.bytes).toBe(10);
    await expect(storage.put(key, bytesOf(10), JPEG)).rejects.toBeInstanceOf(StorageKeyTaken);
  });
});

describe("a read", () => {
  async function stored(size: number) {
    const door = newDoor();
    const storage = s3StorageAt(door);
    const key = newStorageKey("photos", "jpg");
    await storage.put(key, bytesOf(size), JPEG);
    return { door, file: (await storage.read(key)) as StoredFile, storage, key };
  }

  for (const fault of ["half", "stall"] as const) {
    test(`that breaks off (${fault}) is read on from where it ended`, async () => {
      const { door, file } = await stored(300_000);
      door.fault = faultFor(fault, 2, isGet);
      const before = door.seen.length;
      expect(await file.content()).toEqual(bytesOf(300_000));
      const ranges = door.seen.slice(before).map(({ headers }) => headers.range);
      expect(ranges[0]).toBeUndefined();
      expect(ranges.slice(1)).toEqual(["bytes=150000-", "bytes=225000-"]);
    });

    test(`that breaks off (${fault}) again and again ends with an error, never short`, async () => {
      const { door, file } = await stored(300_000);
      door.fault = (request) => (isGet(request) ? fault : null);
      expect((await failureOf(file.content())).message).toContain("broke off 3 times");
      const pieces: number[] = [];
      const reading = (async () => {
        for await (const piece of file.stream()) pieces.push(piece.byteLength);
      })();
      await failureOf(reading);
      expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(300_000);
    });
  }

  test("asks for nothing before it is read, and lets go when its reader goes", async () => {
    const { door, file } = await stored(3_000_000);
    const before = door.seen.length;
    const stream = file.stream();
    await Bun.sleep(20);
    expect(door.seen.length).toBe(before);
    const reader = stream.getReader();
    expect((await reader.read()).done).toBe(false);
    await reader.cancel();
    // Were places kept by readers that are gone, these would be refused.
    for (let round = 0; round < 150; round += 1) {
      const one = file.stream().getReader();
      await one.read();
      await one.cancel();
    }
    expect((await file.content()).byteLength).toBe(3_000_000);
  });

  test("of a file that is deleted meanwhile is an error, not an empty picture", async () => {
    const { file, storage, key } = await stored(1_000);
    await storage.delete(key);
    expect((await failureOf(file.content())).message).toContain("no longer there");
  });
});

describe("a storage that refuses", () => {
  const refusing: ReadonlyArray<readonly [what: string, access: Partial<Record<string, string>>, says: string]> = [
    ["a wrong secret", { secretAccessKey: "a-wrong-secret-key" }, "S3_SECRET_ACCESS_KEY"],
    ["an unknown key", { accessKeyId: "AN-UNKNOWN-KEY-ID" }, ""],
    ["another bucket", { bucket: "no-such-bucket" }, "no such bucket"],
  ];
  for (const [what, access, says] of refusing) {
    test(`for ${what} says so at once, to every call, and is never taken for an empty one`, async () => {
      const door = newDoor();
      const right = { bucket: S3_BUCKET, endpoint: door.url, region: S3_REGION, ...S3_KEYS };
      const storage = s3StorageAt(door, { access: { ...right, ...access } });
      const calls: Array<() => Promise<unknown>> = [
        () => storage.put("photos/a.jpg", bytesOf(10), JPEG),
        () => storage.read("photos/a.jpg"),
        () => storage.delete("photos/a.jpg"),
        () => all(storage.list()),
        () => storage.check(),
        () => storage.ping(),
        () => storage.link("photos/a.jpg", { mime: "image/jpeg", disposition: "inline" }),
      ];
      for (const call of calls) {
        const before = door.seen.length;
        const failure = await failureOf(call());
        expect(failure.refused).toBe(true);
        expect(door.seen.length - before).toBeLessThanOrEqual(2);
      }
      expect((await failureOf(all(storage.list()))).message).toContain(says);
    });
  }

  test("no key, no signature and no address stands in what is logged of a failure", async () => {
    const door = newDoor();
    const secret = "a-wrong-secret-key";
    const right = { bucket: S3_BUCKET, endpoint: door.url, region: S3_REGION, ...S3_KEYS };
    const storage = s3StorageAt(door, { access: { ...right, secretAccessKey: secret } });
    const faults: Array<S3Fault | null> = [null, "hang", "reset", "500", "501", "SlowDown"];
    for (const fault of faults) {
      door.fault = () => fault;
      const failures = await Promise.all([
        failureOf(storage.read("photos/a.jpg")),
        failureOf(storage.put("photos/a.jpg", bytesOf(10), JPEG)),
        failureOf(storage.delete("photos/a.jpg")),
        failureOf(all(storage.list())),
      ]);
      for (const failure of failures) {
        const text = JSON.stringify(describeError(failure));
        for (const word of [secret, S3_KEYS.accessKeyId, "X-Amz", "Signature=", door.url]) {
          expect(text).not.toContain(word);
        }
      }
    }
  });
});

describe("lists and links", () => {
  test("a list of 1 100 files has each of them once, and nothing that is no key", async () => {
    const door = newDoor();
    const prefix = newPrefix();
    const port = await s3ServerPort();
    const names = Array.from({ length: 1_100 }, (_, index) => `p${String(index % 7)}/file-${index}.jpg`);
    const rest = [...names, "No-Key.txt"];
    const put = async () => {
      for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
        const address = `http://127.0.0.1:${port}/${S3_BUCKET}/${prefix}/${name}`;
        await (await fetch(address, { method: "PUT", body: "x" })).bytes();
      }
    };
    await Promise.all(Array.from({ length: 16 }, put));
    const storage = s3StorageAt(door, { prefix: `${prefix}/`, limits: { answerMs: 10_000 } });
    const before = door.seen.length;
    const keys: string[] = [];
    for await (const entry of storage.list()) keys.push(entry.key);
    expect(keys.toSorted()).toEqual(names.toSorted());
    expect(door.seen.length - before).toBe(2);
    expect(await all(storage.list("p3/"))).toBe(157);
    expect(await all(storage.list("p3/file-3."))).toBe(1);
  }, 60_000);

  test("X6 a presigned link opens one file for a minute, with type and name, and nothing else", async () => {
    const door = newDoor();
    const storage = s3StorageAt(door);
    const [key, other] = [newStorageKey("photos", "jpg"), newStorageKey("photos", "jpg")];
    await storage.put(key, bytesOf(10), { mime: "application/octet-stream" });
    await storage.put(other, bytesOf(10), JPEG);
    const disposition = `attachment; filename="a picture.jpg"`;
    const link = (await storage.link(key, { mime: "image/jpeg", disposition })) ?? "";
    const answer = await fetch(link);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("image/jpeg");
    expect(answer.headers.get("content-disposition")).toBe(disposition);
    expect(await answer.bytes()).toEqual(bytesOf(10));
    expect(new URL(link).searchParams.get("X-Amz-Expires")).toBe("60");
    for (const altered of [
      link.replace(key, other),
      link.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
      link.replace("image%2Fjpeg", "text%2Fhtml"),
      link.replace(/\?.*/, ""),
    ]) {
      expect(altered).not.toBe(link);
      expect((await fetch(altered)).status).toBe(403);
    }
    expect((await fetch(link, { method: "DELETE" })).status).toBe(403);
  });

  test("there is no link to what is not there, nor where links are switched off", async () => {
    const door = newDoor();
    const key = newStorageKey("photos", "jpg");
    const wishes = { mime: "image/jpeg", disposition: "inline" };
    expect(await s3StorageAt(door).link(key, wishes)).toBeNull();
    const storage = s3StorageAt(door, { links: false });
    await storage.put(key, bytesOf(10), JPEG);
    expect(await storage.link(key, wishes)).toBeNull();
  });

  test("a sign of life costs one request, and none while the storage has just answered", async () => {
    const door = newDoor();
    const storage = s3StorageAt(door, { limits: TEST_S3_LIMITS });
    await storage.ping();
    const before = door.seen.length;
    for (let round = 0; round < 20; round += 1) await storage.ping();
    expect(door.seen.length).toBe(before);
    door.fault = () => "SlowDown";
    await failureOf(storage.read("photos/a.jpg"));
    await failureOf(storage.ping());
    door.fault = () => null;
    await storage.ping();
  });
});
