import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError } from "../errors.ts";
import embeddedFont from "./assets/DejaVuSans-Bold.ttf" with { type: "file" };
import { nativeCacheFolder } from "./cache-folder.ts";
import { type FileFacts, holdsExactly } from "./exact-file.ts";
import { setNativeEnvironment } from "./native-environment.ts";

/** The family as pango asks for it; it has Latin, Cyrillic and Greek letters. */
export const FONT_FAMILY = "DejaVu Sans Bold";
/** For `atelier version`. The text of the licence lies beside the file. */
export const FONT = {
  name: FONT_FAMILY,
  version: "2.37",
  licence: "Bitstream Vera and DejaVu (free to embed)",
} as const;

/**
 * What the embedded file is. Said here, so that a start compares the placed one with this and leaves the embedded one unread:
 * both of them in memory were 1.4 MB that an idle server kept.
 */
export const FONT_FACTS: FileFacts = {
  bytes: 705_684,
  sha256: "e6476c1b80502924294eed40894c5b18e06c181444ca953e5334262df9c27724",
};

let placing: Promise<string> | undefined;

/**
 * The path of the font as a real file. In the compiled program the font lies inside the program, where pango cannot
 * open it, so it is written once into the private cache folder. Throws `OperatorError` when that folder cannot be used.
 */
export function fontFile(): Promise<string> {
  placing ??= placeFont().catch((cause: unknown) => {
    placing = undefined;
    throw cause;
  });
  return placing;
}

/** Places the font into `folder` if it is not there unharmed, and answers its path. Any number of processes may do so at once. */
export async function placeFont(folder: string = nativeCacheFolder()): Promise<string> {
  const path = join(folder, `DejaVuSans-Bold-${FONT_FACTS.sha256.slice(0, 16)}.ttf`);
  await placeOnce(path, FONT_FACTS, () => Bun.file(embeddedFont).bytes());
  await provideFontconfig(folder);
  return path;
}

/** Where fontconfig looks when nothing tells it otherwise. */
const SYSTEM_FONTCONFIG = "/etc/fonts/fonts.conf";

/**
 * On a system without fontconfig the library complains on standard error and goes on. A configuration of our own, empty
 * but for a cache folder, keeps it quiet; the font is handed over by path in any case.
 */
async function provideFontconfig(folder: string): Promise<void> {
  const configured = process.env.FONTCONFIG_FILE || process.env.FONTCONFIG_PATH || existsSync(SYSTEM_FONTCONFIG);
  if (configured || process.platform !== "linux") return;
  const path = join(folder, "fonts.conf");
  const text = `<?xml version="1.0"?>\n<fontconfig><cachedir>${escapeMarkup(folder)}</cachedir></fontconfig>\n`;
  const content = new TextEncoder().encode(text);
  await placeOnce(path, { bytes: content.byteLength, sha256: contentHash(content) }, async () => content);
  setNativeEnvironment("FONTCONFIG_FILE", path);
}

/** Writes a file under a temporary name and renames it, unless the very same content is there already. */
async function placeOnce(path: string, facts: FileFacts, content: () => Promise<Uint8Array>): Promise<void> {
  if (holdsExactly(path, facts)) return;
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, await content(), { mode: 0o600, flag: "wx" });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError(`The file ${path} could not be written (${reason}). Make room or set ATELIER_CACHE_DIR.`);
  }
}

function contentHash(content: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(content).digest("hex");
}

/** Text from outside as pango markup that shows exactly these characters. */
export function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
