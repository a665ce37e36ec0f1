import { PLACE } from "../../storage/place.ts";
import { address, choice, type SettingsPart, words } from "../setting-types.ts";

/** Where pictures lie. */
export const storageSettings = {
  STORAGE_URL: words({
    text: "Empty or `disk` for pictures in DATA_DIR, or a private bucket of any S3 storage, with or without a prefix.",
    default: "",
    example: "s3://your-bucket/atelier",
    pattern: PLACE,
    expectation: "empty or disk (pictures in DATA_DIR), or s3://bucket or s3://bucket/prefix",
  }),
  STORAGE_FALLBACK_URL: words({
    text: "While pictures move: where those lie that are not in STORAGE_URL yet; `disk` or s3://bucket.",
    default: "",
    pattern: PLACE,
    expectation: "empty, disk, s3://bucket or s3://bucket/prefix",
  }),
  S3_ENDPOINT: address({
    text: "The address of the S3 storage; empty for AWS, which then needs S3_REGION.",
    default: "",
    example: "https://storage.yandexcloud.net",
  }),
  S3_REGION: words({
    text: "The bucket's region; storages of one's own mostly take any.",
    default: "",
    example: "ru-central1",
    pattern: /^[a-z0-9-]{1,64}$/,
    expectation: "a region such as eu-central-1",
  }),
  S3_ACCESS_KEY_ID: words({
    text: "The id of the key for the bucket; it has to list the bucket and to get, put and delete its objects.",
    default: "",
    example: "your-key-id",
    secret: true,
    pattern: /^[\x21-\x7e]{1,256}$/,
    expectation: "the id of an access key, without spaces",
  }),
  S3_SECRET_ACCESS_KEY: words({
    text: "The secret of that key.",
    default: "",
    example: "your-secret-key",
    secret: true,
    pattern: /^[\x21-\x7e]{1,1024}$/,
    expectation: "the secret of an access key, without spaces",
  }),
  S3_LINKS: choice({
    text: "Pictures of a bucket reach people `through` this server, or `presigned`: sent on to the bucket for a minute.",
    default: "through",
    among: ["through", "presigned"],
  }),
} as const satisfies SettingsPart;
