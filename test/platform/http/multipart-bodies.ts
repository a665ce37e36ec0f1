import { expect } from "bun:test";
import { Refusal } from "../../../src/platform/errors.ts";
import { readUpload, type UploadRules } from "../../../src/platform/http/multipart.ts";

export const KIB = 1_024;
export const BOUNDARY = "----WebKitFormBoundaryA1b2C3d4";
export const CONTENT_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
export const RULES: UploadRules = { fields: ["user_photo", "item_photo"], bytesMax: 64 * KIB, deadlineMs: 400 };

export interface Part {
  name?: string;
  headers?: string[];
  content?: string | Uint8Array;
}

export function file(name: string, content: string | Uint8Array = "bytes"): Part {
  return {
    headers: [`Content-Disposition: form-data; name="${name}"; filename="x.jpg"`, "Content-Type: image/jpeg"],
    content,
  };
}

export function multipart(parts: Part[], end = `--${BOUNDARY}--\r\n`): Buffer<ArrayBuffer> {
  const pieces = parts.flatMap((part) => [
    Buffer.from(`--${BOUNDARY}\r\n${(part.headers ?? []).join("\r\n")}\r\n\r\n`),
    Buffer.from(part.content ?? ""),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

export interface Source {
  body: ReadableStream<Uint8Array>;
  pulled: () => number;
  cancelled: () => boolean;
}

/** A body that counts how much of it was asked for. */
export function source(chunks: Iterable<Uint8Array>): Source {
  const iterator = chunks[Symbol.iterator]();
  let pulled = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const next = iterator.next();
        if (next.done === true) return controller.close();
        pulled += 1;
        controller.enqueue(next.value);
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => pulled, cancelled: () => cancelled };
}

export function request(
  body: BodyInit | null,
  contentType = CONTENT_TYPE,
  headers: Record<string, string> = {},
): Request {
  return new Request("http://localhost/upload", {
    method: "POST",
    headers: { "content-type": contentType, ...headers },
    body,
  });
}

export async function refusalOf(work: Promise<unknown>): Promise<{ code: string; errors: unknown }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, errors: error.details.errors };
    throw error;
  }
  throw new Error("was not refused");
}

export async function codeFor(parts: Part[], rules = RULES): Promise<string> {
  return (await refusalOf(readUpload(request(multipart(parts)), rules))).code;
}

export async function errorsFor(parts: Part[], rules = RULES): Promise<unknown> {
  const { code, errors } = await refusalOf(readUpload(request(multipart(parts)), rules));
  expect(code).toBe("validation_failed");
  return errors;
}

/** `size` bytes at a time. */
export function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let index = 0; index < bytes.length; index += size) yield bytes.slice(index, index + size);
}
