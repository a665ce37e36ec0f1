import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { SECOND_MS } from "../../platform/clock.ts";
import type { Settings } from "../../platform/config/settings.ts";
import { openPlace, pictureFolder } from "../../platform/storage/open-storage.ts";
import { nameOfPlace, placeOf, type StoragePlace } from "../../platform/storage/place.ts";
import { newStorageKey, type Storage } from "../../platform/storage/storage.ts";
import { type DoctorCheck, type Finding, failed, ok, warning } from "./check.ts";

/** A bucket that is away is called so after the three tries of the first step; whatever is slower has failed an operator too. */
const TIMEOUT_MS = 25 * SECOND_MS;
const FETCH_MS_MAX = 5 * SECOND_MS;
const CORS = "access-control-allow-origin";

/** A file written, read back and deleted, in each place that holds pictures; a bucket also has to be closed to strangers. */
export const storageCheck: DoctorCheck = {
  name: "storage",
  needs: [
    "DATA_DIR",
    "STORAGE_URL",
    "STORAGE_FALLBACK_URL",
    "S3_ENDPOINT",
    "S3_REGION",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
  ],
  timeoutMs: TIMEOUT_MS,
  async run({ checked: { settings } }) {
    const places = [placeOf(settings.STORAGE_URL)];
    if (settings.STORAGE_FALLBACK_URL !== "") places.push(placeOf(settings.STORAGE_FALLBACK_URL));
    const findings = await Promise.all(places.map((place) => examine(settings, place)));
    const worst = (["failed", "warning"] as const).find((status) => findings.some((one) => one.status === status));
    return {
      status: worst ?? "ok",
      text: findings.map((finding) => finding.text).join(" Behind it: "),
      lines: findings.flatMap((finding) => finding.lines ?? []),
    };
  },
};

function examine(settings: Settings, place: StoragePlace): Promise<Finding> {
  return place.kind === "disk" ? examineDisk(settings) : examineBucket(settings, place);
}

async function examineDisk(settings: Settings): Promise<Finding> {
  const folder = resolve(settings.DATA_DIR);
  // Whoever only looks must not make the folder of a server that was never started.
  if (!existsSync(folder)) return warning(`There is no ${folder} yet; the server makes it at its first start.`);
  try {
    const ms = await timed(() => openPlace(settings, { kind: "disk" }).check());
    return ok(`Disk, ${resolve(pictureFolder(settings))}: a file was written, read back and deleted in ${ms} ms.`);
  } catch (error) {
    return failed(`${(error as Error).message}. May this user write to ${folder}, and is there space left?`);
  }
}

async function examineBucket(settings: Settings, place: StoragePlace): Promise<Finding> {
  const name = `${nameOfPlace(place)} at ${settings.S3_ENDPOINT || `AWS, ${settings.S3_REGION}`}`;
  const storage = openPlace({ ...settings, S3_LINKS: "presigned" }, place);
  try {
    // First, as its refusal says more than that of a HEAD, with which everything else begins.
    for await (const _entry of storage.list()) break;
    const ms = await timed(() => storage.check());
    const [faults, remarks] = await asStranger(settings, storage);
    const text = `${name}: a file was written, read back and deleted in ${ms} ms.`;
    if (faults.length > 0) return failed(`${text} But strangers get in:`, faults);
    return remarks.length > 0 ? warning(`${text} But:`, remarks) : ok(text);
  } catch (error) {
    return failed(`${name}: ${(error as Error).message}`);
  }
}

/** What somebody without a key gets of a file there, and what a browser gets by a presigned link. */
async function asStranger(settings: Settings, storage: Storage): Promise<[faults: string[], remarks: string[]]> {
  const key = newStorageKey("check", "bin");
  await storage.put(key, new Uint8Array([1]), { mime: "application/octet-stream" });
  try {
    const link = await storage.link(key, { mime: "image/jpeg", disposition: "attachment" });
    if (link === null) return [[], ["a file that was just written is not there: does something delete it?"]];
    const faults: string[] = [];
    const bare = await fetchAs(link.replace(/\?.*$/, ""));
    if (bare?.ok) faults.push("A picture can be read without a signature: make the bucket private.");
    if (settings.S3_LINKS !== "presigned") return [faults, []];
    return [faults, faultsOfLink(await fetchAs(link))];
  } finally {
    await storage.delete(key);
  }
}

function faultsOfLink(answer: Response | null): string[] {
  if (!answer?.ok) return ["S3_LINKS=presigned, and a presigned link does not open: set S3_LINKS=through."];
  const remarks: string[] = [];
  if (
    answer.headers.get("content-type") !== "image/jpeg" ||
    answer.headers.get("content-disposition") !== "attachment"
  ) {
    remarks.push("Presigned links do not carry the type and the name of a file: set S3_LINKS=through.");
  }
  if (!["*", "null"].includes(answer.headers.get(CORS) ?? "")) {
    remarks.push(
      "The bucket has no CORS rule that lets any origin GET: Telegram in a browser cannot save pictures. Add one, or set S3_LINKS=through.",
    );
  }
  return remarks;
}

/** Null when nothing answered. */
async function fetchAs(address: string): Promise<Response | null> {
  const signal = AbortSignal.timeout(FETCH_MS_MAX);
  try {
    // What a browser sends that was sent on from another origin.
    const answer = await fetch(address, { headers: { origin: "null" }, redirect: "manual", signal });
    await answer.body?.cancel();
    return answer;
  } catch {
    return null;
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round(performance.now() - startedAt);
}
