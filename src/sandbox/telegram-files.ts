import { randomBytes } from "node:crypto";
import { SECOND_MS } from "../platform/clock.ts";
import {
  DOCUMENT_BY_URL_BYTES_MAX,
  DOCUMENT_BYTES_MAX,
  PHOTO_BY_URL_BYTES_MAX,
  PHOTO_BYTES_MAX,
} from "../providers/telegram/wire.ts";
import { REFUSALS } from "./telegram-faults.ts";
import { badRequest, type Params, Refused, type SentFile } from "./telegram-params.ts";

/** The emulator keeps its files in memory; beyond this the oldest make room. */
const STORED_BYTES_MAX = 300_000_000;
const FETCH_MS_MAX = 10 * SECOND_MS;

export interface StoredFile extends SentFile {
  fileId: string;
  kind: "photo" | "document";
}

export interface TelegramFiles {
  put(file: SentFile, kind: StoredFile["kind"]): StoredFile;
  get(fileId: string): StoredFile | undefined;
}

export function createTelegramFiles(): TelegramFiles {
  const files = new Map<string, StoredFile>();
  let total = 0;
  return {
    put(file, kind) {
      // Real ids are long, base64url and tell nothing; photos' begin with AgAC, documents' with BQAC.
      const fileId = `${kind === "photo" ? "AgACAgIAAxkD" : "BQACAgIAAxkD"}${randomBytes(36).toString("base64url")}`;
      const stored = { ...file, fileId, kind };
      files.set(fileId, stored);
      total += file.bytes.byteLength;
      for (const [oldest, { bytes }] of files) {
        if (total <= STORED_BYTES_MAX || oldest === fileId) break;
        files.delete(oldest);
        total -= bytes.byteLength;
      }
      return stored;
    },
    get: (fileId) => files.get(fileId),
  };
}

/** The file that a call sends: uploaded, known already, or to be fetched from an address. Throws `Refused`. */
export async function fileToSend(params: Params, kind: StoredFile["kind"], files: TelegramFiles): Promise<StoredFile> {
  const uploaded = params.file(kind);
  if (uploaded !== undefined) return files.put(checked(uploaded, kind), kind);
  const named = params.text(kind);
  if (named === undefined) throw badRequest(`there is no ${kind} in the request`);
  const known = files.get(named);
  if (known !== undefined) {
    if (known.kind === kind) return known;
    throw badRequest(
      `can't use file of type ${known.kind === "photo" ? "Photo" : "Document"} as ${kind === "photo" ? "Photo" : "Document"}`,
    );
  }
  if (!/^https?:\/\//.test(named) || !URL.canParse(named)) throw new Refused(REFUSALS["400_file_id"]);
  return files.put(await fetched(named, kind), kind);
}

function checked(file: SentFile, kind: StoredFile["kind"]): SentFile {
  const { byteLength } = file.bytes;
  if (byteLength === 0) throw new Refused(REFUSALS["400_file_empty"]);
  if (byteLength > DOCUMENT_BYTES_MAX) throw new Refused(REFUSALS["413"]);
  if (kind === "photo" && byteLength > PHOTO_BYTES_MAX) {
    throw badRequest(
      `file of size ${byteLength} bytes is too big for a photo; the maximum size is ${PHOTO_BYTES_MAX} bytes`,
    );
  }
  return file;
}

async function fetched(address: string, kind: StoredFile["kind"]): Promise<SentFile> {
  const response = await fetch(address, { signal: AbortSignal.timeout(FETCH_MS_MAX) }).catch(() => undefined);
  if (response === undefined || response.status !== 200) throw new Refused(REFUSALS["400_url_content"]);
  const mime = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
  if (kind === "photo" && !/^image\/(jpeg|png|webp)$/.test(mime)) throw new Refused(REFUSALS["400_url_type"]);
  const bytes = await response.bytes().catch(() => undefined);
  const bytesMax = kind === "photo" ? PHOTO_BY_URL_BYTES_MAX : DOCUMENT_BY_URL_BYTES_MAX;
  if (bytes === undefined || bytes.byteLength === 0 || bytes.byteLength > bytesMax) {
    throw new Refused(REFUSALS["400_url_content"]);
  }
  return { bytes, name: new URL(address).pathname.split("/").at(-1) || "file", mime };
}
