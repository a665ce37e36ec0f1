import { loadSharp } from "./sharp.ts";

/** The versions of the native image code, which is loaded for it. Throws `OperatorError` where that fails. */
export async function nativeImageVersions(): Promise<{ sharp: string; libvips: string }> {
  const { versions } = await loadSharp();
  return { sharp: versions.sharp ?? "unknown", libvips: versions.vips };
}
