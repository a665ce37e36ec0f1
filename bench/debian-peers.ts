import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PEERS_FOLDER } from "./npm-peers.ts";

const PACKAGES = [
  ...["python3-fastapi", "python3-uvicorn", "python3-sqlalchemy", "python3-asyncpg", "python3-celery"],
  ...["python3-redis", "python3-jwt", "python3-pil", "python3-multipart", "redis-server"],
];
const PYTHON = "/usr/bin/python3";
const PROBE = "import fastapi, uvicorn, sqlalchemy, asyncpg, celery, redis, jwt, multipart, PIL";
const DEBIAN_FOLDER = join(PEERS_FOLDER, "debian");

/** Python and Redis with all that the old stack needs. */
export interface DebianPeers {
  python: string;
  redis: string;
  environment: Record<string, string>;
}

/**
 * The old stack's programs: those that are installed, or else Debian's packages, unpacked into the folder of peers, so that
 * the machine is not changed. Null, with a sentence on standard error, where there are none to be had.
 */
export function findDebianPeers(): DebianPeers | null {
  const installed = peersWith({}, Bun.which("redis-server"));
  if (installed) return installed;
  const unpacked = join(DEBIAN_FOLDER, "root");
  const stamp = join(DEBIAN_FOLDER, "installed");
  if (!holds(stamp, PACKAGES.join("\n")) && !unpack(unpacked)) {
    process.stderr.write(
      "  The old stack is missing: Debian's packages of it are not installed and cannot be fetched.\n",
    );
    return null;
  }
  // Not written into: a copy of the folder may share its files.
  rmSync(stamp, { force: true });
  writeFileSync(stamp, PACKAGES.join("\n"));
  const environment = {
    PYTHONPATH: join(unpacked, "usr/lib/python3/dist-packages"),
    LD_LIBRARY_PATH: join(unpacked, "usr/lib/x86_64-linux-gnu"),
  };
  const peers = peersWith(environment, join(unpacked, "usr/bin/redis-server"));
  if (!peers) process.stderr.write("  The old stack is missing: Debian's packages of it do not run here.\n");
  return peers;
}

function holds(file: string, content: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8") === content;
}

function peersWith(environment: Record<string, string>, redis: string | null): DebianPeers | null {
  if (!existsSync(PYTHON) || redis === null || !existsSync(redis)) return null;
  const probe = Bun.spawnSync([PYTHON, "-c", PROBE], { env: environment, stderr: "ignore" });
  return probe.success ? { python: PYTHON, redis, environment } : null;
}

/** False where it does not work: no Debian, or no network. */
function unpack(root: string): boolean {
  if (!Bun.which("apt-get") || !Bun.which("dpkg-deb")) return false;
  const downloads = join(DEBIAN_FOLDER, "packages");
  rmSync(DEBIAN_FOLDER, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  // What apt would install besides: the packages that those named need and that are not there.
  const plan = Bun.spawnSync(["apt-get", "install", "--simulate", "--no-install-recommends", ...PACKAGES]);
  const names = [...plan.stdout.toString().matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? "");
  if (!plan.success || names.length === 0) return false;
  if (!Bun.spawnSync(["apt-get", "download", ...names], { cwd: downloads, stderr: "ignore" }).success) return false;
  return readdirSync(downloads).every(
    (file) => Bun.spawnSync(["dpkg-deb", "--extract", join(downloads, file), root]).success,
  );
}
