import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OperatorError } from "../errors.ts";
import { nativeCacheFolder } from "./cache-folder.ts";
import { holdsExactly } from "./exact-file.ts";
import type { EmbeddedNativeFile, EmbeddedSharp } from "./native-code.ts";

export const NATIVE_FOLDER_ADVICE =
  "Set ATELIER_CACHE_DIR to a folder that belongs to this user, can be written and is not mounted noexec.";

/**
 * The folder that these very files are unpacked into. Another version or another build of the same version gets another one,
 * so that old and new run side by side. Throws `OperatorError` where there is no folder for native files.
 */
export function nativeFolder({ version, addon, library }: EmbeddedSharp): string {
  const content = new Bun.CryptoHasher("sha256").update(addon.sha256 + library.sha256).digest("hex");
  return join(nativeCacheFolder(), `sharp-${version}-${content.slice(0, 16)}`);
}

/** Whether both files are in the folder, unharmed. Costs about 10 ms for the 18 MB (SHA-256 with the processor's help). */
export function nativeFilesAreWhole({ addon, library }: EmbeddedSharp, folder: string): boolean {
  return [library, addon].every((file) => holdsExactly(join(folder, file.placedAt), file));
}

/** Writes those of the files that are not in the folder, unharmed. Throws `OperatorError` where the folder cannot be used. */
export function placeNativeFiles({ addon, library }: EmbeddedSharp, folder: string): void {
  for (const file of [library, addon]) placeOnce(file, folder);
}

function placeOnce(file: EmbeddedNativeFile, folder: string): void {
  const path = join(folder, file.placedAt);
  if (holdsExactly(path, file)) return;
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, readFileSync(file.embeddedAt), { mode: 0o500, flag: "wx" });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError(
      `The native image code could not be unpacked into ${folder} (${reason}). ${NATIVE_FOLDER_ADVICE}`,
    );
  }
  if (!holdsExactly(path, file)) {
    throw new OperatorError(
      `The native image code in ${folder} does not read back as it was written. ${NATIVE_FOLDER_ADVICE}`,
    );
  }
}
