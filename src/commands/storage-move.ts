import type { Settings } from "../platform/config/settings.ts";
import { storageContradictions } from "../platform/config/storage-settings.ts";
import { OperatorError } from "../platform/errors.ts";
import { type MoveReport, moveFiles } from "../platform/storage/move.ts";
import { openPlace } from "../platform/storage/open-storage.ts";
import { isSamePlace, nameOfPlace, PLACE, placeOf, type StoragePlace } from "../platform/storage/place.ts";
import { type Command, explainedStorage, operatorSettings, print, printJson, readArguments, table } from "./command.ts";
import { createProgressBar } from "./progress-bar.ts";

const USAGE =
  "Usage: atelier storage move --to <disk|s3|s3://bucket/prefix> [--from <place>] [--delete-source] [--trust-sizes] [--json]";
const BYTES_PER_MIB = 1024 * 1024;

/** What each count means, in the order in which it is shown. */
const MEANING = {
  files: "files at the source",
  copied: "copied, read back and the same",
  already_there: "at the target already, and the same",
  gone: "deleted at the source meanwhile",
  deleted_at_source: "deleted at the source behind a verified copy",
  failed: "failed, and left as they were",
} as const satisfies Partial<Record<keyof MoveReport, string>>;

export const storageMoveCommand: Command = {
  name: "storage move",
  summary: "copy all pictures between the disk and a bucket, and verify each",
  help: `${USAGE}

  --to             where to: disk, a bucket, or s3 for the bucket that the settings name
  --from           where from; by default the other place that the settings name, or the disk
  --delete-source  delete each file at the source once its copy was read back and is the same; only when STORAGE_URL
                   names the target already
  --trust-sizes    take what is at the target already for the same when it has the same size, instead of reading it
  --json           the counts for a program

Runs beside the server or without it, as often as wanted: each copy is read back (size and SHA-256), what is there already
is not copied again, and a move that was stopped goes on where it was. To move without a moment in which a picture cannot be
found: set STORAGE_URL to the new place and STORAGE_FALLBACK_URL to the old one, restart the server, move, leave
STORAGE_FALLBACK_URL out and restart again. Ends with 1 when a file failed.

Examples:
  atelier storage move --to s3://your-bucket/atelier
  atelier storage move --to s3 --delete-source
  atelier storage move --from s3 --to disk`,
  async run(args) {
    const { values } = readArguments(args, {
      usage: USAGE,
      options: { to: "string", from: "string", "delete-source": "boolean", "trust-sizes": "boolean", json: "boolean" },
    });
    const { settings } = operatorSettings();
    if (values.to === undefined) throw new OperatorError(`--to is missing.\n${USAGE}`);
    const to = namedPlace(settings, values.to, "--to");
    const from = values.from === undefined ? otherPlace(settings, to) : namedPlace(settings, values.from, "--from");
    const deleteSource = values["delete-source"] === true;
    refuseMisuse(settings, { from, to, deleteSource });
    const bar = createProgressBar(process.stderr);
    const report = await moveFiles({
      from: openPlace(settings, from),
      to: openPlace(settings, to),
      deleteSource,
      trustSizes: values["trust-sizes"] === true,
      onProgress: (now) => bar.show(percentOf(now), `${nameOfPlace(from)} -> ${nameOfPlace(to)}`),
    }).catch(explainedStorage);
    bar.end();
    if (values.json) printJson({ from: nameOfPlace(from), to: nameOfPlace(to), ...report });
    else print([counts(report), ...whatNext(settings, { from, to, report })].join("\n"));
    return report.failed > 0 || report.done < report.files ? 1 : 0;
  },
};

function percentOf({ files, done }: MoveReport): number {
  return files === 0 ? 100 : Math.min(100, Math.floor((100 * done) / files));
}

/** The place that a person typed; `s3` alone is the bucket of the settings. */
function namedPlace(settings: Settings, text: string, what: string): StoragePlace {
  if (text === "s3") {
    const bucket = placesOf(settings).find(({ kind }) => kind === "s3");
    if (bucket) return bucket;
    throw new OperatorError(
      `${what} s3: neither STORAGE_URL nor STORAGE_FALLBACK_URL names a bucket. Write s3://bucket.`,
    );
  }
  if (PLACE.test(text)) return placeOf(text);
  throw new OperatorError(`${what} must be disk, s3, s3://bucket or s3://bucket/prefix, not "${text}".`);
}

function otherPlace(settings: Settings, to: StoragePlace): StoragePlace {
  const other = [...placesOf(settings), placeOf("disk")].find((place) => !isSamePlace(place, to));
  if (other) return other;
  throw new OperatorError("The settings name no bucket that files could come from. Write --from s3://bucket.");
}

/** The place to come from first. */
function placesOf(settings: Settings): StoragePlace[] {
  const fallback = settings.STORAGE_FALLBACK_URL === "" ? [] : [placeOf(settings.STORAGE_FALLBACK_URL)];
  return [...fallback, placeOf(settings.STORAGE_URL)];
}

function refuseMisuse(
  settings: Settings,
  { from, to, deleteSource }: { from: StoragePlace; to: StoragePlace; deleteSource: boolean },
): void {
  if (isSamePlace(from, to)) throw new OperatorError(`${nameOfPlace(to)} is both where from and where to.`);
  const asked = { ...settings, STORAGE_URL: nameOfPlace(to), STORAGE_FALLBACK_URL: nameOfPlace(from) };
  const faults = storageContradictions(asked).map(([, text]) => text);
  if (faults.length > 0) throw new OperatorError(faults.join("\n"));
  if (deleteSource && !isSamePlace(placeOf(settings.STORAGE_URL), to)) {
    throw new OperatorError(
      `--delete-source: the server still stores pictures in ${nameOfPlace(placeOf(settings.STORAGE_URL))}. ` +
        `Set STORAGE_URL=${nameOfPlace(to)} and restart it first.`,
    );
  }
}

function counts(report: MoveReport): string {
  const names = Object.keys(MEANING) as Array<keyof typeof MEANING>;
  const rows = names.map((name) => [String(report[name]).padStart("files".length), MEANING[name]]);
  const size = `${(report.bytes / BYTES_PER_MIB).toFixed(1)} MiB at the source.`;
  return [table(["files", "what"], rows), "", size, ...report.faults.map((fault) => `  - ${fault}`)].join("\n");
}

/** What a person does behind this, as the settings stand. */
function whatNext(
  settings: Settings,
  { from, to, report }: { from: StoragePlace; to: StoragePlace; report: MoveReport },
): string[] {
  const [source, target] = [nameOfPlace(from), nameOfPlace(to)];
  if (report.failed > 0 || report.done < report.files) {
    return ["", `Not everything is at ${target}. Run this again; nothing that failed was deleted at ${source}.`];
  }
  if (!isSamePlace(placeOf(settings.STORAGE_URL), to)) {
    return [
      "",
      `The server still stores pictures in ${nameOfPlace(placeOf(settings.STORAGE_URL))}. To switch it over:`,
      `  1. set STORAGE_URL=${target} and STORAGE_FALLBACK_URL=${source}, and restart the server`,
      "  2. run this command once more, for what was stored meanwhile",
      "  3. leave STORAGE_FALLBACK_URL out, and restart the server",
    ];
  }
  if (settings.STORAGE_FALLBACK_URL !== "") {
    return ["", `Everything is at ${target}. Leave STORAGE_FALLBACK_URL out now, and restart the server.`];
  }
  if (report.deleted_at_source === 0 && report.files > 0) {
    return ["", `Everything is at ${target}. With --delete-source the files at ${source} go, each behind its copy.`];
  }
  return ["", `Everything is at ${target}.`];
}
