import {
  MaxFileSizeExceededError,
  MaxTotalSizeExceededError,
  MultipartParseError,
  MultipartParser,
  type MultipartPart,
} from "@remix-run/multipart-parser";
import { invariant, Refusal } from "../errors.ts";
import { forgetBytes } from "../forget-bytes.ts";
import { watchBeginnings } from "./part-beginnings.ts";

export interface UploadRules {
  /** The only field names that are taken, each at most once. */
  fields: readonly string[];
  /** Size of each file. */
  bytesMax: number;
  /** For the whole body, from the call to the last byte. */
  deadlineMs: number;
  /** One of the fields is enough; otherwise all of them are required. */
  requireOneOf?: boolean;
}

export interface UploadedPart {
  bytes: Uint8Array;
  /** What the client claims, in lower case without parameters; the content decides. */
  declaredType: string;
}

/** Headers of one part. Real ones have 100 to 400 bytes. */
const PART_HEADER_BYTES_MAX = 4_096;
/** Boundaries and line ends around one part, and whatever a client may put before the end. */
const PART_FRAME_BYTES_MAX = 1_024;
/**
 * A chunked body may come a byte a chunk, and each costs a hundred times its size in memory. Bodies of real clients
 * come in network packets or larger pieces; this many smaller ones are forgiven.
 */
const CHUNK_BYTES_AVERAGE_MIN = 256;
const SMALL_CHUNKS_MAX = 2_048;
/** RFC 2046, section 5.1.1. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/;

/**
 * Reads the files of a `multipart/form-data` body as it streams in, and stops reading at the first fault. File names
 * are never looked at. The route has to leave the body unread (in Elysia: `parse: "none"`).
 *
 * Throws refusals: `media_type_unsupported` (not multipart), `malformed_body` (no boundary, damaged or cut off),
 * `file_too_large` (announced, or met on the way and then with `field`), `upload_too_slow` (deadline), and
 * `validation_failed` with `errors: [{ path, message }]` for fields that are unknown, repeated, missing or no files.
 */
export async function readUpload(request: Request, rules: UploadRules): Promise<Map<string, UploadedPart>> {
  const boundary = boundaryOf(request.headers.get("content-type") ?? "");
  const bodyBytesMax = rules.fields.length * (rules.bytesMax + PART_HEADER_BYTES_MAX + PART_FRAME_BYTES_MAX);
  // By the pigeonhole principle at least one of the files is over its limit.
  if (Number(request.headers.get("content-length") ?? 0) > bodyBytesMax) throw tooLarge(rules);
  if (request.body === null || request.bodyUsed) throw new Refusal("malformed_body");

  const parser = new MultipartParser(boundary, {
    maxHeaderSize: PART_HEADER_BYTES_MAX,
    maxFileSize: rules.bytesMax,
    maxParts: rules.fields.length + 1,
    maxTotalSize: rules.fields.length * rules.bytesMax,
  });
  const parts = new Map<string, UploadedPart>();
  const beginnings = watchBeginnings(boundary, { bytes: PART_HEADER_BYTES_MAX, count: rules.fields.length });
  const read: Uint8Array[] = [];
  const forgetRead = () => {
    for (const chunk of read.splice(0)) forgetBytes(chunk);
  };
  try {
    for await (const chunk of bodyChunks(request.body, { bodyBytesMax, deadlineMs: rules.deadlineMs })) {
      beginnings.see(chunk);
      const before = parts.size;
      for (const part of partsIn(chunk, parser, () => tooLarge(rules, beginnings.nameOfPart(parts.size)))) {
        addPart(parts, part, rules.fields);
      }
      // Not before the parser is through with this chunk: it still looks back. A file is a copy, and the next begins in here.
      if (parts.size > before) forgetRead();
      read.push(chunk);
    }
  } finally {
    forgetRead();
  }
  if (!isFinished(parser)) throw new Refusal("malformed_body");
  checkPresence(parts, rules);
  return parts;
}

/**
 * Reads an upload and hands its files to `work`, which keeps none of their bytes: they are forgotten when it ends, good or bad.
 * By then nothing may read them any more, native code least of all, since it would read memory that is somebody else's: `work`
 * waits for whatever it gave them to. sharp has let go of its input when its promise settles. Answers what `work` answers; throws
 * the refusals of `readUpload` and whatever `work` throws.
 */
export async function withUpload<T>(
  request: Request,
  rules: UploadRules,
  work: (parts: ReadonlyMap<string, UploadedPart>) => Promise<T>,
): Promise<T> {
  const parts = await readUpload(request, rules);
  try {
    return await work(parts);
  } finally {
    for (const { bytes } of parts.values()) forgetBytes(bytes);
  }
}

function boundaryOf(contentType: string): string {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType)) throw new Refusal("media_type_unsupported");
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;"]+))\s*(?:;|$)/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? "";
  if (!BOUNDARY.test(boundary)) throw new Refusal("malformed_body");
  return boundary;
}

/** The body chunk by chunk, within its limits of size and time; the source is told to stop whenever we stop. */
async function* bodyChunks(
  body: ReadableStream<Uint8Array>,
  limits: { bodyBytesMax: number; deadlineMs: number },
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new Refusal("upload_too_slow")), limits.deadlineMs);
  // The deadline may pass while a chunk is being parsed, with nobody waiting for it yet.
  deadline.promise.catch(() => {});
  let bytes = 0;
  let chunks = 0;
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read().catch(cutOff), deadline.promise]);
      if (done) return;
      bytes += value.byteLength;
      chunks += 1;
      if (bytes > limits.bodyBytesMax) throw new Refusal("file_too_large");
      if (chunks > SMALL_CHUNKS_MAX + bytes / CHUNK_BYTES_AVERAGE_MIN) throw new Refusal("malformed_body");
      yield value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a source that does not react must not hold up the answer.
    reader.cancel().catch(() => {});
  }
}

/** The connection broke before the announced end. */
function cutOff(): never {
  throw new Refusal("malformed_body");
}

function* partsIn(chunk: Uint8Array, parser: MultipartParser, tooLargeNow: () => Refusal): Generator<MultipartPart> {
  // The parser takes the line end behind the closing boundary for an error when it comes as a chunk of its own.
  if (isFinished(parser)) return;
  try {
    yield* parser.write(chunk);
  } catch (error) {
    if (error instanceof MaxFileSizeExceededError || error instanceof MaxTotalSizeExceededError) {
      throw tooLargeNow();
    }
    throw error instanceof MultipartParseError ? new Refusal("malformed_body") : error;
  }
}

/** Which of the files is too large; the announced length alone does not tell. */
function tooLarge(rules: UploadRules, name?: string): Refusal {
  const isKnown = name !== undefined && rules.fields.includes(name);
  return new Refusal("file_too_large", { bytes_max: rules.bytesMax, ...(isKnown ? { field: name } : {}) });
}

/** The parser tells whether the closing boundary was met only by throwing when it was not. */
function isFinished(parser: MultipartParser): boolean {
  try {
    parser.finish();
    return true;
  } catch {
    return false;
  }
}

function addPart(parts: Map<string, UploadedPart>, part: MultipartPart, fields: readonly string[]): void {
  const { name, disposition, declaredType } = factsOf(part);
  if (name === undefined || !fields.includes(name)) {
    throw refuse({ path: name ?? "", message: `unknown field; known are: ${fields.join(", ")}` });
  }
  if (parts.has(name)) throw refuse({ path: name, message: "given more than once" });
  const isFile = /;\s*filename\*?\s*=/i.test(disposition);
  if (!isFile || declaredType === undefined)
    throw refuse({ path: name, message: "must be a file with a content type" });
  const { bytes } = part;
  if (bytes.byteLength === 0) throw refuse({ path: name, message: "the file is empty" });
  parts.set(name, { bytes, declaredType: declaredType.toLowerCase() });
}

/** A part's headers. `part.filename` is not asked: it decodes the name, and prints when it cannot. */
function factsOf(part: MultipartPart) {
  try {
    const disposition = part.headers["content-disposition"] ?? "";
    const name = /^form-data\s*;/i.test(disposition) ? part.name : undefined;
    return { name, disposition, declaredType: part.mediaType };
  } catch {
    // Headers that are not UTF-8.
    throw new Refusal("malformed_body");
  }
}

function checkPresence(parts: ReadonlyMap<string, UploadedPart>, rules: UploadRules): void {
  const missing = rules.fields.filter((field) => !parts.has(field));
  invariant(rules.fields.length > 0, "an upload has at least one field");
  if (missing.length === 0 || (rules.requireOneOf === true && parts.size > 0)) return;
  const message = rules.requireOneOf === true ? "at least one of the files is required" : "the file is required";
  throw refuse(...missing.map((path) => ({ path, message })));
}

function refuse(...errors: { path: string; message: string }[]): Refusal {
  return new Refusal("validation_failed", { errors });
}
