import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SQLITE_FILE_NAME } from "../../platform/db/open.ts";
import { nativeCacheFolder } from "../../platform/images/cache-folder.ts";
import { type DoctorCheck, type Finding, failed, ok, warning } from "./check.ts";

/** A picture, its preview and the database's side files take a handful each. */
const INODES_SHARE_WARNING = 0.05;
const INODES_MIN = 1_000;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_READ = 0o004;

/** Whose folders they are, who else gets at them, and whether code may be loaded from where it is unpacked. */
export const foldersCheck: DoctorCheck = {
  name: "folders",
  needs: ["DATA_DIR"],
  async run({ checked }) {
    const data = resolve(checked.settings.DATA_DIR);
    const cache = nativeCacheFolder();
    const noexec = optionsOf(cache).includes("noexec");
    const inodes = inodesLeft(data);
    const faults = [
      ...(noexec
        ? [`${cache} is mounted noexec: set ATELIER_CACHE_DIR to a folder from which code may be loaded.`]
        : []),
      ...(inodes.isOut ? [`${data}: no more files can be made, whatever space is left (inodes).`] : []),
    ];
    const complaints = [...rightsComplaints(data), ...inodes.complaints];
    return judge(faults, complaints, `${data} and ${cache} are this user's own.`);
  },
};

function judge(faults: readonly string[], complaints: readonly string[], text: string): Finding {
  if (faults.length > 0) return failed("Something keeps the server from working:", [...faults, ...complaints]);
  return complaints.length === 0 ? ok(text) : warning("Not as they should be:", complaints);
}

/** Somebody else's eyes and hands. `doctor` by another user than the server's sees the wrong rights. */
function rightsComplaints(folder: string): string[] {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (!status) return [];
  const complaints: string[] = [];
  const own = process.getuid?.();
  if (own !== undefined && status.uid !== own) {
    complaints.push(
      `${folder} belongs to user ${status.uid}, and this is user ${own}: run doctor as the server's user.`,
    );
  }
  if ((status.mode & OTHERS_MAY_WRITE) !== 0) complaints.push(`Others may write into ${folder}: chmod go-w helps.`);
  const file = join(folder, SQLITE_FILE_NAME);
  const database = statSync(file, { throwIfNoEntry: false });
  const isOpen = (status.mode & OTHERS_MAY_READ) !== 0 && database && (database.mode & OTHERS_MAY_READ) !== 0;
  if (isOpen) complaints.push(`Every user of this machine may read ${file}: chmod go-rwx ${folder} helps.`);
  return complaints;
}

function inodesLeft(folder: string): { isOut: boolean; complaints: string[] } {
  const { files, ffree } = statfsSync(nearestExisting(folder));
  // File systems such as btrfs make them as they go and count none.
  if (files === 0) return { isOut: false, complaints: [] };
  const isLow = ffree < Math.max(INODES_MIN, files * INODES_SHARE_WARNING);
  const complaints =
    isLow && ffree > 0 ? [`${folder}: only ${ffree} of ${files} files can still be made (inodes).`] : [];
  return { isOut: ffree === 0, complaints };
}

function nearestExisting(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder));
}

/** The options of the mount that the folder lies on; none where the system does not tell. */
function optionsOf(folder: string): string[] {
  let table: string;
  try {
    table = readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return [];
  }
  return mountOptions(table, folder);
}

/** The same from the text of `/proc/self/mountinfo`: the longest mount point that holds the folder, the last one of equals. */
export function mountOptions(table: string, folder: string): string[] {
  let found: { point: string; options: string } | undefined;
  for (const line of table.split("\n")) {
    const [, , , , escaped = "", options = ""] = line.split(" ");
    const point = escaped.replaceAll(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const holds = point === "/" || folder === point || folder.startsWith(`${point}/`);
    if (point !== "" && holds && point.length >= (found?.point.length ?? 0)) found = { point, options };
  }
  return found?.options.split(",") ?? [];
}
