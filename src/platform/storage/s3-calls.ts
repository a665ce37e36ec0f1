import { S3Client, type S3ListObjectsResponse } from "bun";
import { codeIn, faultOf, nativeFault, S3Trouble, troubleOf } from "./s3-fault.ts";
import { StorageFailure } from "./storage.ts";

/** The bucket, and who asks. */
export interface S3Access {
  bucket: string;
  /** Empty for AWS itself. */
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** How long things may take, in ms. */
export interface S3Limits {
  /** From sending a request to the head of its answer, the time for its own bytes apart. */
  answerMs: number;
  /** Between two pieces of an answer. */
  pieceMs: number;
  /** No new try begins when so much time has passed. */
  retryMs: number;
}

export const S3_LIMITS: S3Limits = { answerMs: 4_000, pieceMs: 8_000, retryMs: 10_000 };
export const S3_TRIES = 3;
const BACKOFF_BASE_MS = 200;
const BACKOFF_MS_MAX = 2_000;
/** An upload that is slower has failed. */
const UPLOAD_BYTES_PER_SECOND_MIN = 512 * 1024;
/**
 * Requests and open answers of this process at once. Bun sends 256 requests at once in all, and a storage that hangs, or
 * people who read slowly, must not keep Telegram and the providers from being asked.
 */
const CALLS_MAX = 128;
/** A signature is good for this long; clocks differ. */
const SIGNED_SECONDS = 900;
const ERROR_BODY_BYTES_MAX = 8_192;
const LIST_PAGE_SIZE = 1_000;

export interface S3Call {
  method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** The whole key, prefix included. */
  key: string;
  headers?: Record<string, string>;
  /** The content is made anew for each try. */
  body?: { content: () => Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>; bytes: number };
  /** Statuses beside the successes that are answers to the caller. */
  expected?: readonly number[];
}

export interface S3Answer {
  status: number;
  headers: Headers;
  /** Null where the body was read to find the code, or there is none. */
  body: ReadableStream<Uint8Array> | null;
  /** The code in the body of an expected status that is no success. */
  code: string;
  /** Must be called when the body is done with, or not wanted. */
  end(): void;
}

export interface S3Calls {
  /** Asks with three tries; rejects with `StorageFailure`. */
  call(call: S3Call): Promise<S3Answer>;
  /** One page of keys. */
  page(prefix: string, continuationToken?: string): Promise<S3ListObjectsResponse>;
  /** A signed address for reading, which dies after `seconds`. */
  sign(key: string, options: { seconds: number; type: string; contentDisposition: string }): string;
}

export interface S3CallsOptions {
  access: S3Access;
  limits: S3Limits;
  random: () => number;
  sleep: (ms: number) => Promise<void>;
}

/**
 * Requests to a bucket. Bun's client signs them, and they travel by `fetch`: that one can be cut off, sends
 * `If-None-Match` and tells the status. The client's own requests can do none of this, and those that hang fill the 256
 * places of the whole process. It only lists by itself, a page at a time.
 */
export function createS3Calls(options: S3CallsOptions): S3Calls {
  const { access, limits } = options;
  const client = clientOf(access);
  let underWay = 0;

  const once = async (call: S3Call): Promise<S3Answer> => {
    if (underWay >= CALLS_MAX) throw new StorageFailure(`more than ${CALLS_MAX} requests to the storage are under way`);
    underWay += 1;
    const controller = new AbortController();
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      underWay -= 1;
      controller.abort();
    };
    const limitMs = limits.answerMs + ((call.body?.bytes ?? 0) * 1000) / UPLOAD_BYTES_PER_SECOND_MIN;
    const timer = setTimeout(() => controller.abort(new DOMException("too slow", "TimeoutError")), limitMs);
    try {
      const sent = call.body && { bytes: call.body.bytes, content: call.body.content() };
      const url = client.presign(call.key, { method: call.method, expiresIn: SIGNED_SECONDS });
      const response = await fetch(url, {
        method: call.method,
        headers: {
          "accept-encoding": "identity",
          ...call.headers,
          ...(sent === undefined ? {} : { "content-length": String(sent.bytes) }),
        },
        redirect: "manual",
        signal: controller.signal,
        ...(sent === undefined ? {} : { body: sent.content }),
      });
      const { status, headers } = response;
      if (response.ok) return { status, headers, body: response.body, code: "", end };
      const code = codeIn(await beginning(response));
      end();
      if (call.expected?.includes(status)) return { status, headers, body: null, code, end };
      throw faultOf(call.method, status, code);
    } catch (error) {
      end();
      if (error instanceof S3Trouble || error instanceof StorageFailure) throw error;
      throw troubleOf(call.method, error, limitMs);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    call: (call) => withTries(options, () => once(call)),
    page: (prefix, continuationToken) =>
      withTries(options, async () => {
        const asked = client.list({
          prefix,
          maxKeys: LIST_PAGE_SIZE,
          ...(continuationToken === undefined ? {} : { continuationToken }),
        });
        return inTime(asked, limits.answerMs).catch((error) => {
          throw nativeFault("LIST", error, limits.answerMs);
        });
      }),
    sign: (key, { seconds, ...answer }) => client.presign(key, { method: "GET", expiresIn: seconds, ...answer }),
  };
}

function clientOf(access: S3Access): S3Client {
  const { endpoint, ...known } = access;
  // Each is named, so that none comes from variables of another program's in the environment.
  return new S3Client({ ...known, sessionToken: "", ...(endpoint === "" ? {} : { endpoint }) });
}

/** Tries again with exponential backoff and full jitter, as long as it makes sense. */
async function withTries<T>(options: S3CallsOptions, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof S3Trouble)) throw error;
      const isLast = attempt >= S3_TRIES || performance.now() - startedAt >= options.limits.retryMs;
      if (isLast) throw new StorageFailure(`${error.message} (${attempt} ${attempt === 1 ? "try" : "tries"})`);
      const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_BASE_MS * 2 ** (attempt - 1));
      await options.sleep(Math.round(options.random() * ceilingMs));
    }
  }
}

/** The beginning of a refusal's body; the deadline of the request ends this too. */
async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length >= ERROR_BODY_BYTES_MAX) break;
  }
  return text;
}

/** Bun's client cannot be cut off: what comes later is not waited for. */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException("too slow", "TimeoutError")), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
