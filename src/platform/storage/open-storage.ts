import { join } from "node:path";
import type { Settings } from "../config/settings.ts";
import { createDiskStorage } from "./disk.ts";
import { placeOf, type StoragePlace } from "./place.ts";
import { createS3Storage, type S3StorageOptions } from "./s3.ts";
import type { Storage } from "./storage.ts";
import { withFallback } from "./two-storages.ts";

export type StorageSettings = Pick<
  Settings,
  | "DATA_DIR"
  | "STORAGE_URL"
  | "STORAGE_FALLBACK_URL"
  | "S3_ENDPOINT"
  | "S3_REGION"
  | "S3_ACCESS_KEY_ID"
  | "S3_SECRET_ACCESS_KEY"
  | "S3_LINKS"
>;

/** What tests may bring: how long a bucket may take, and how waiting is done. */
export type StorageTools = Pick<S3StorageOptions, "limits" | "random" | "sleep">;

/** Many S3 storages of one's own take any region; this is the usual name of none in particular. */
const REGION_DEFAULT = "us-east-1";

/** The folder of pictures on this machine. */
export function pictureFolder(settings: Pick<Settings, "DATA_DIR">): string {
  return join(settings.DATA_DIR, "files");
}

/** The storage that the settings name, with the one behind it while files move. */
export function openStorage(settings: StorageSettings, tools: StorageTools = {}): Storage {
  const primary = openPlace(settings, placeOf(settings.STORAGE_URL), tools);
  if (settings.STORAGE_FALLBACK_URL === "") return primary;
  return withFallback(primary, openPlace(settings, placeOf(settings.STORAGE_FALLBACK_URL), tools));
}

/** One place, whatever STORAGE_URL says. */
export function openPlace(settings: StorageSettings, place: StoragePlace, tools: StorageTools = {}): Storage {
  if (place.kind === "disk") return createDiskStorage({ folder: pictureFolder(settings) });
  return createS3Storage({
    ...tools,
    prefix: place.prefix,
    links: settings.S3_LINKS === "presigned",
    access: {
      bucket: place.bucket,
      endpoint: settings.S3_ENDPOINT,
      region: settings.S3_REGION || REGION_DEFAULT,
      accessKeyId: settings.S3_ACCESS_KEY_ID,
      secretAccessKey: settings.S3_SECRET_ACCESS_KEY,
    },
  });
}
