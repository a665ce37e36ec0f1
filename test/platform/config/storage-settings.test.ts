import { describe, expect, test } from "bun:test";
import { halfSet } from "../../../src/commands/doctor/settings.ts";
import type { EnvironmentValue } from "../../../src/platform/config/environment.ts";
import { checkSettings, shownValue } from "../../../src/platform/config/load.ts";

const KEYS = { S3_ACCESS_KEY_ID: "an-id", S3_SECRET_ACCESS_KEY: "a-secret-key" };
const BUCKET = { STORAGE_URL: "s3://pictures", S3_ENDPOINT: "https://storage.example", ...KEYS };

function check(values: Record<string, string>) {
  const environment = Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([name, value]): [string, EnvironmentValue] => [name, { value, source: "environment" }]);
  return checkSettings(new Map(environment), { serving: false });
}

const faultsOf = (values: Record<string, string>) => check(values).faults.map(({ name }) => name);

describe("X13 the settings of storage", () => {
  const right: Array<readonly [string, Record<string, string>]> = [
    ["nothing at all", {}],
    ["the disk by its name", { STORAGE_URL: "disk" }],
    ["a bucket of one's own storage", BUCKET],
    ["a bucket with a prefix", { ...BUCKET, STORAGE_URL: "s3://pictures/one/two" }],
    ["a bucket of AWS in its region", { ...BUCKET, S3_ENDPOINT: "", S3_REGION: "eu-central-1" }],
    ["a bucket in front of the disk", { ...BUCKET, STORAGE_FALLBACK_URL: "disk" }],
    ["the disk in front of a bucket", { ...BUCKET, STORAGE_URL: "", STORAGE_FALLBACK_URL: "s3://pictures" }],
    ["two prefixes of one bucket", { ...BUCKET, STORAGE_FALLBACK_URL: "s3://pictures/old" }],
    ["keys that wait for a move", KEYS],
    ["a container next door", { ...BUCKET, S3_ENDPOINT: "http://minio:9000" }],
    ["this machine", { ...BUCKET, S3_ENDPOINT: "http://127.0.0.1:9000" }],
    ["a private network", { ...BUCKET, S3_ENDPOINT: "http://10.0.3.4:9000" }],
  ];
  test.each(right)("%s are right", (_what, values) => {
    expect(check(values).faults).toEqual([]);
  });

  const wrong: Array<readonly [string, Record<string, string>, string[]]> = [
    ["a bucket without a key", { ...BUCKET, S3_ACCESS_KEY_ID: "", S3_SECRET_ACCESS_KEY: "" }, ["S3_ACCESS_KEY_ID"]],
    ["a bucket without the secret", { ...BUCKET, S3_SECRET_ACCESS_KEY: "" }, ["S3_SECRET_ACCESS_KEY"]],
    ["a bucket without the key's id", { ...BUCKET, S3_ACCESS_KEY_ID: "" }, ["S3_ACCESS_KEY_ID"]],
    ["half a key and no bucket", { S3_ACCESS_KEY_ID: "an-id" }, ["S3_SECRET_ACCESS_KEY"]],
    ["a bucket of nobody", { ...BUCKET, S3_ENDPOINT: "" }, ["S3_REGION"]],
    ["a fallback without a key", { STORAGE_FALLBACK_URL: "s3://pictures" }, ["S3_ACCESS_KEY_ID", "S3_REGION"]],
    ["plain http through the internet", { ...BUCKET, S3_ENDPOINT: "http://storage.example" }, ["S3_ENDPOINT"]],
    ["plain http to a public address", { ...BUCKET, S3_ENDPOINT: "http://172.15.0.1" }, ["S3_ENDPOINT"]],
    ["the disk behind itself", { STORAGE_FALLBACK_URL: "disk" }, ["STORAGE_FALLBACK_URL"]],
    ["a bucket behind itself", { ...BUCKET, STORAGE_FALLBACK_URL: "s3://pictures/" }, ["STORAGE_FALLBACK_URL"]],
  ];
  test.each(wrong)("%s are refused with what to do", (_what, values, names) => {
    expect(faultsOf(values)).toEqual(names as never);
    for (const { text } of check(values).faults) expect(text).not.toContain("a-secret-key");
  });

  test("neither half of a key is ever shown", () => {
    const { settings } = check(BUCKET);
    expect(shownValue("S3_ACCESS_KEY_ID", settings.S3_ACCESS_KEY_ID)).toBe("(set)");
    expect(shownValue("S3_SECRET_ACCESS_KEY", settings.S3_SECRET_ACCESS_KEY)).toBe("(set)");
    expect(shownValue("STORAGE_URL", settings.STORAGE_URL)).toBe("s3://pictures");
  });

  test("the doctor names keys without a bucket, and a move that is not over", () => {
    const sentences = (values: Record<string, string>) => {
      const { settings, sources } = check(values);
      return halfSet(settings, sources).filter((sentence) => /S3_|STORAGE_/.test(sentence));
    };
    expect(sentences({})).toEqual([]);
    expect(sentences(BUCKET)).toEqual([]);
    expect(sentences({ ...KEYS, S3_REGION: "eu-central-1" })).toEqual([
      expect.stringContaining("S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY set, but neither STORAGE_URL"),
    ]);
    expect(sentences({ ...BUCKET, STORAGE_FALLBACK_URL: "disk" })).toEqual([
      expect.stringContaining("atelier storage move"),
    ]);
  });
});
