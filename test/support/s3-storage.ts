import { createS3Storage, type S3StorageOptions } from "../../src/platform/storage/s3.ts";
import type { Storage } from "../../src/platform/storage/storage.ts";
import type { S3Door } from "./s3-door.ts";
import { S3_BUCKET, S3_KEYS, S3_REGION } from "./s3-server.ts";

/** As long as tests are patient; what is away is found out within seconds. */
export const TEST_S3_LIMITS = { answerMs: 400, pieceMs: 300, retryMs: 1_000 };

/** A prefix that nobody else has. */
export const newPrefix = () => `t${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

/** A storage in the tests' bucket, through a door. */
export function s3StorageAt(door: S3Door, more: Partial<S3StorageOptions> = {}): Storage {
  return createS3Storage({
    prefix: `${newPrefix()}/`,
    links: true,
    limits: TEST_S3_LIMITS,
    sleep: async () => {},
    ...more,
    access: { bucket: S3_BUCKET, endpoint: door.url, region: S3_REGION, ...S3_KEYS, ...more.access },
  });
}

/** The settings of a server that stores in the tests' bucket. */
export function s3Settings(door: S3Door, prefix = newPrefix()): Record<string, string> {
  return {
    STORAGE_URL: `s3://${S3_BUCKET}/${prefix}`,
    S3_ENDPOINT: door.url,
    S3_REGION,
    S3_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
    S3_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
  };
}
