import type { Clock } from "../platform/clock.ts";
import { DAY_MS, SECOND_MS } from "../platform/clock.ts";
import { randomToken } from "../platform/ids.ts";
import { KIE_PATHS, type UploadData } from "../providers/kie/wire.ts";
import type { KieRefusal } from "./kie-faults.ts";
import type { KieFiles } from "./kie-files.ts";
import { fetchInput, pictureType } from "./kie-inputs.ts";

export const UPLOAD_LIFETIME_MS = DAY_MS;
const UPLOAD_BYTES_MAX = 100_000_000;
const FETCH_TIMEOUT_MS = 30 * SECOND_MS;
/** The account's number in the paths of its files. */
const ACCOUNT_NUMBER = 204417;

export type UploadAnswer = UploadData & { success: true; uploadedAt: string };

interface Upload {
  bytes: Uint8Array;
  mime: string;
  folder: unknown;
  name: unknown;
}

/** Carries out one of the three upload calls. An equal name overwrites, without a word. */
export async function acceptUpload(
  request: Request,
  options: { files: KieFiles; filesUrl: string; clock: Clock },
): Promise<UploadAnswer | KieRefusal> {
  const upload = await readUpload(request);
  if ("code" in upload) return upload;
  if (typeof upload.folder !== "string" || upload.folder === "") return missing("uploadPath");
  if (/^\/|\/$|\.\./.test(upload.folder)) return { code: 400, msg: "Invalid uploadPath" };
  const name =
    typeof upload.name === "string" && upload.name !== ""
      ? upload.name
      : `${options.clock.now().getTime()}-${randomToken(6)}.${upload.mime.split("/")[1] ?? "bin"}`;
  if (/[/\\]|^\.+$/.test(name)) return { code: 400, msg: "Invalid fileName" };
  const filePath = `kieai/${ACCOUNT_NUMBER}/${upload.folder}/${name}`;
  options.files.put(`/${filePath}`, upload.bytes, upload.mime, UPLOAD_LIFETIME_MS);
  return {
    success: true,
    fileName: name,
    filePath,
    downloadUrl: `${options.filesUrl}/${filePath}`,
    fileSize: upload.bytes.byteLength,
    mimeType: upload.mime,
    uploadedAt: options.clock.now().toISOString(),
  };
}

async function readUpload(request: Request): Promise<Upload | KieRefusal> {
  const { pathname } = new URL(request.url);
  if (pathname === KIE_PATHS.uploadStream) return readStream(request);
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) return { code: 400, msg: "Invalid JSON body" };
  const fields = body as Record<string, unknown>;
  const rest = { folder: fields.uploadPath, name: fields.fileName };
  return pathname === KIE_PATHS.uploadBase64 ? readBase64(fields.base64Data, rest) : readLink(fields.fileUrl, rest);
}

async function readStream(request: Request): Promise<Upload | KieRefusal> {
  const form = await request.formData().catch(() => undefined);
  const file = form?.get("file");
  if (form === undefined || !(file instanceof Blob)) return missing("file");
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { bytes, mime: typeOf(bytes), folder: form.get("uploadPath"), name: form.get("fileName") };
}

function readBase64(data: unknown, rest: Pick<Upload, "folder" | "name">): Upload | KieRefusal {
  if (typeof data !== "string" || data === "") return missing("base64Data");
  const text = data.replace(/^data:[^,]*;base64,/, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return { code: 400, msg: "Base64 decoding failed: Invalid Base64 format" };
  }
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  return { bytes, mime: typeOf(bytes), ...rest };
}

async function readLink(url: unknown, rest: Pick<Upload, "folder" | "name">): Promise<Upload | KieRefusal> {
  if (typeof url !== "string" || !URL.canParse(url)) return missing("fileUrl");
  const bytes = await fetchInput(url, { bytesMax: UPLOAD_BYTES_MAX, timeoutMs: FETCH_TIMEOUT_MS });
  if (bytes === undefined) return { code: 500, msg: "Failed to download the file" };
  return { bytes, mime: typeOf(bytes), ...rest };
}

function typeOf(bytes: Uint8Array): string {
  return pictureType(bytes) ?? "application/octet-stream";
}

function missing(parameter: string): KieRefusal {
  return { code: 400, msg: `Missing required parameter: ${parameter}` };
}
