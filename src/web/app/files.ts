import { problemOf } from "../../client.ts";
import { CallFailure } from "../kit/api.ts";
import { tokens } from "../kit/session.ts";
import { launchData } from "../kit/telegram.ts";
import { language, locale } from "../kit/words.ts";

/** Files that the API answers: the token goes in a header, so no link comes into being that others could follow. */

export interface FileFetch {
  /** Any call of the client, so that a token that has run out is renewed before. */
  renew: () => Promise<unknown>;
  /** How much has come so far; how much there will be is not known before. */
  onBytes: (bytes: number) => void;
  signal: AbortSignal;
}

/** Fetches a file; null when it was stopped. Throws a `CallFailure`, also where the network broke in the middle. */
export async function fetchFile(path: string, name: string, options: FileFetch): Promise<File | null> {
  const { renew, onBytes, signal } = options;
  try {
    await renew();
    const headers = {
      authorization: `Bearer ${tokens.read()?.access_token ?? ""}`,
      "accept-language": language.read(),
    };
    const response = await fetch(path, { headers, cache: "no-store", signal });
    if (!response.ok) throw new CallFailure(problemOf({ value: await response.json().catch(() => null) }));
    return new File(await partsOf(response, onBytes), name, { type: response.headers.get("content-type") ?? "" });
  } catch (error) {
    if (signal.aborted) return null;
    throw error instanceof CallFailure ? error : new CallFailure(null);
  }
}

async function partsOf({ body }: Response, onBytes: (bytes: number) => void): Promise<BlobPart[]> {
  const parts: BlobPart[] = [];
  let bytes = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    parts.push(next.value);
    bytes += next.value.byteLength;
    onBytes(bytes);
  }
  return parts;
}

/** Long enough for a browser to have begun to save it. */
const KEPT_MS = 60_000;

/**
 * Hands a file to the person. Telegram's windows on phones save nothing by a link: there the phone's own sheet asks where it
 * is to go, which may be shown after a tap only.
 */
export async function giveFile(file: File): Promise<void> {
  const sheet = { files: [file] };
  if (launchData() !== null && navigator.canShare?.(sheet)) {
    const isDone = await navigator.share(sheet).then(
      () => true,
      // Whoever closes the sheet has changed their mind; that is no fault.
      (error: Error) => error.name === "AbortError",
    );
    if (isDone) return;
  }
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

const KILOBYTE = 1_024;

export function fileSize(bytes: number): string {
  const isLarge = bytes >= KILOBYTE * KILOBYTE;
  const value = bytes / (isLarge ? KILOBYTE * KILOBYTE : KILOBYTE);
  return value.toLocaleString(locale(), {
    style: "unit",
    unit: isLarge ? "megabyte" : "kilobyte",
    maximumFractionDigits: isLarge ? 1 : 0,
  });
}
