import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type Patient, runCheck } from "../../src/commands/doctor/check.ts";
import { storageCheck } from "../../src/commands/doctor/storage.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { checkSettings } from "../../src/platform/config/load.ts";
import { useS3Door } from "../support/s3-door.ts";
import { S3_BUCKET, S3_BUCKET_WITH_CORS } from "../support/s3-server.ts";
import { newPrefix, s3Settings } from "../support/s3-storage.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const newDoor = useS3Door();
const folder = makeTemporaryFolder("atelier-doctor-");

/** What the doctor says of the storage of these settings. */
function examine(values: Record<string, string>) {
  const environment = Object.entries({ DATA_DIR: folder, ...values }).map(
    ([name, value]): [string, EnvironmentValue] => [name, { value, source: "environment" }],
  );
  const open = () => {
    throw new Error("a look at the storage needs no database");
  };
  const patient: Patient = {
    checked: checkSettings(new Map(environment), { serving: false }),
    open,
    openWithSchema: open,
  };
  return runCheck(storageCheck, patient);
}

describe("the doctor's look at the storage", () => {
  test("names the folder and how long a round trip took", async () => {
    const { status, text } = await examine({});
    expect(status).toBe("ok");
    expect(text).toMatch(/^Disk, .+\/files: a file was written, read back and deleted in \d+ ms\.$/);
    expect(text).toContain(folder);
  });

  test("names bucket, address and time, leaves nothing behind, and tells no key", async () => {
    const door = newDoor();
    const prefix = newPrefix();
    const found = await examine(s3Settings(door, prefix));
    expect(found.status).toBe("ok");
    expect(found.text).toMatch(/: a file was written, read back and deleted in \d+ ms\.$/);
    expect(found.text).toStartWith(`s3://${S3_BUCKET}/${prefix} at ${door.url}`);
    expect(JSON.stringify(found)).not.toContain("S3RVER");
    const written = new Set(door.seen.filter(({ method }) => method === "PUT").map(({ path }) => path));
    const deleted = new Set(door.seen.filter(({ method }) => method === "DELETE").map(({ path }) => path));
    expect(written.size).toBe(2);
    expect(deleted).toEqual(written);
  });

  test("looks at both places while files move, and at nothing on the disk where only a bucket is named", async () => {
    const before = readdirSync(folder);
    expect((await examine(s3Settings(newDoor()))).text).not.toContain("Disk");
    expect(readdirSync(folder)).toEqual(before);
    const both = await examine({ ...s3Settings(newDoor()), STORAGE_FALLBACK_URL: "disk" });
    expect([both.status, both.text]).toEqual(["ok", expect.stringMatching(/^s3:\/\/.+ Behind it: Disk, .+ ms\.$/)]);
  });

  test("fails a bucket that strangers can read", async () => {
    const door = newDoor();
    door.isPublic = true;
    const { status, lines } = await examine(s3Settings(door));
    expect([status, lines]).toEqual(["failed", [expect.stringContaining("make the bucket private")]]);
  });

  test("T7 warns of presigned links that a browser cannot save by, and of nothing where it can", async () => {
    const settings = { ...s3Settings(newDoor()), S3_LINKS: "presigned" };
    const without = await examine(settings);
    expect([without.status, without.lines]).toEqual(["warning", [expect.stringContaining("CORS rule")]]);
    const { status } = await examine({ ...settings, STORAGE_URL: `s3://${S3_BUCKET_WITH_CORS}/${newPrefix()}` });
    expect(status).toBe("ok");
  });

  test("says what to mend where the bucket refuses, and looks at nothing while settings are half set", async () => {
    const settings = s3Settings(newDoor());
    const wrong = await examine({ ...settings, S3_SECRET_ACCESS_KEY: "a-wrong-secret-key" });
    expect([wrong.status, wrong.text]).toEqual(["failed", expect.stringContaining("Is S3_SECRET_ACCESS_KEY right")]);
    const missing = await examine({ ...settings, STORAGE_URL: "s3://no-such-bucket" });
    expect([missing.status, missing.text]).toEqual(["failed", expect.stringContaining("There is no such bucket")]);
    const { S3_SECRET_ACCESS_KEY: _, ...half } = settings;
    const notLookedAt = await examine(half);
    expect(notLookedAt.text).toStartWith("Not looked at, because S3_SECRET_ACCESS_KEY needs attention first");
    expect(JSON.stringify([wrong, missing, notLookedAt])).not.toContain("a-wrong-secret-key");
  });
});
