import { isSamePlace, nameOfPlace, placeOf, type StoragePlace } from "../storage/place.ts";
import type { SettingName, Settings } from "./settings.ts";

/** Faults of the settings of storage, which are right or wrong only together: the setting's name, and the sentence. */
export function storageContradictions(settings: Settings): Array<readonly [SettingName, string]> {
  const faults: Array<readonly [SettingName, string]> = [];
  const [hasId, hasSecret] = [settings.S3_ACCESS_KEY_ID !== "", settings.S3_SECRET_ACCESS_KEY !== ""];
  const bucket = bucketsOf(settings)[0];
  if (hasId !== hasSecret) {
    const [there, lacking] = hasId ? ["ID", "SECRET"] : ["SECRET", "ID"];
    const names = { ID: "S3_ACCESS_KEY_ID", SECRET: "S3_SECRET_ACCESS_KEY" } as const;
    const name = names[lacking as keyof typeof names];
    faults.push([name, `${name} is not set, though ${names[there as keyof typeof names]} is: a key has both`]);
  }
  if (bucket !== undefined && !hasId && !hasSecret) {
    faults.push([
      "S3_ACCESS_KEY_ID",
      `S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are not set, and ${nameOfPlace(bucket)} cannot be opened without a key`,
    ]);
  }
  if (bucket !== undefined && settings.S3_ENDPOINT === "" && settings.S3_REGION === "") {
    faults.push([
      "S3_REGION",
      "S3_REGION is not set: AWS needs the bucket's region, and any other storage the address in S3_ENDPOINT",
    ]);
  }
  if (isPlainHttpToThePublic(settings.S3_ENDPOINT)) {
    faults.push([
      "S3_ENDPOINT",
      "S3_ENDPOINT must be https: people's photos would travel in the clear (plain http is for this machine or a private network)",
    ]);
  }
  const [place, fallback] = [placeOf(settings.STORAGE_URL), placeOf(settings.STORAGE_FALLBACK_URL)];
  if (settings.STORAGE_FALLBACK_URL !== "" && isSamePlace(place, fallback)) {
    faults.push([
      "STORAGE_FALLBACK_URL",
      "STORAGE_FALLBACK_URL is the place that STORAGE_URL names already; leave it out, or name the place that pictures come from",
    ]);
  }
  return faults;
}

/** What is set and does nothing; the doctor says so, as it is right while a move is being prepared. */
export function unusedStorageSettings(settings: Settings): string[] {
  const named = (["S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] as const).filter(
    (name) => settings[name] !== "",
  );
  if (bucketsOf(settings).length > 0 || named.length === 0) return [];
  return [
    `${named.join(", ")} set, but neither STORAGE_URL nor STORAGE_FALLBACK_URL names a bucket: pictures stay in DATA_DIR. Set STORAGE_URL=s3://your-bucket, or leave them out.`,
  ];
}

function bucketsOf(settings: Settings): StoragePlace[] {
  return [placeOf(settings.STORAGE_URL), placeOf(settings.STORAGE_FALLBACK_URL)].filter(({ kind }) => kind === "s3");
}

/** Names without a dot are containers and machines next door; the rest is loopback and what RFC 1918 keeps private. */
const PRIVATE_HOST =
  /^(\[::1\]|[^.:]+|.+\.(local|internal|lan)|127(\.\d{1,3}){3}|10(\.\d{1,3}){3}|192\.168(\.\d{1,3}){2}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2})$/;

function isPlainHttpToThePublic(endpoint: string): boolean {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  return url?.protocol === "http:" && !PRIVATE_HOST.test(url.hostname);
}
