/** Where pictures lie: the folder of this machine, or a bucket and what every key in it begins with. */
export type StoragePlace = { kind: "disk" } | { kind: "s3"; bucket: string; prefix: string };

const BUCKET = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
const PREFIX = "(?:/[a-zA-Z0-9_-][a-zA-Z0-9_.-]*){0,10}";
/** `disk`, or a bucket with or without a prefix. */
export const PLACE = new RegExp(`^(?:disk|s3://(${BUCKET})(${PREFIX})/?)$`);

/** What STORAGE_URL and its like say; empty means the disk. The text has passed `PLACE`, or this throws. */
export function placeOf(text: string): StoragePlace {
  if (text === "" || text === "disk") return { kind: "disk" };
  const [, bucket, path] = PLACE.exec(text) ?? [];
  if (bucket === undefined) throw new Error(`neither disk nor s3://bucket: ${text}`);
  return { kind: "s3", bucket, prefix: path ? `${path.slice(1)}/` : "" };
}

/** The place as it stands in the settings. */
export function nameOfPlace(place: StoragePlace): string {
  return place.kind === "disk" ? "disk" : `s3://${place.bucket}${place.prefix && `/${place.prefix.slice(0, -1)}`}`;
}

/** Whether both say the same. */
export function isSamePlace(one: StoragePlace, other: StoragePlace): boolean {
  return nameOfPlace(one) === nameOfPlace(other);
}
