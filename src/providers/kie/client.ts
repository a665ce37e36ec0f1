import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../../platform/clock.ts";
import { OperatorError, ProviderFailure } from "../../platform/errors.ts";
import { randomToken } from "../../platform/ids.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { providerBase } from "../provider-base.ts";
import { type ProviderAnswer, type ProviderRequest, providerRequest } from "../provider-http.ts";
import { PROVIDER_TRIES, withRetries } from "../retry.ts";
import { effectiveCode, envelopeOf, failureOf, messageOf } from "./classify.ts";
import { createTaskBody, type TaskOrder } from "./create-body.ts";
import { failedTask, type KieTask, readTask, TASK_NOT_FOUND } from "./task.ts";
import { type CreateTaskBody, CreateTaskData, KIE_MODELS, KIE_PATHS, UploadData } from "./wire.ts";

export interface KieTimeouts {
  createMs: number;
  queryMs: number;
  uploadMs: number;
}

export interface KieClientOptions {
  apiUrl: string;
  uploadUrl: string;
  apiKey: string;
  /** One of `KIE_MODELS`. */
  model: string;
  log: Log;
  /** Permits plain http, and only on this machine's loopback: for the sandbox and for tests. */
  loopbackAllowed: boolean;
  timeouts?: Partial<KieTimeouts>;
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
  /** Told of a cost that cannot be (C6); the log has it as an error in any case. */
  onBadCost?: (taskId: string, cost: unknown) => void;
}

export interface KieClient {
  /**
   * Starts a task and is never repeated from here: a second create is a second bill. `unknown` says that the task may
   * exist; every other failure says that it does not.
   */
  createTask(order: TaskOrder & { requestId?: string }): Promise<{ taskId: string }>;
  /** The task as it stands now: the one source of truth about it. */
  getTask(taskId: string, options?: { requestId?: string }): Promise<KieTask>;
  /**
   * Lends a picture to the provider for about a day. Its name is random, so that nobody can guess the link and no two
   * uploads overwrite each other (J8); `name` is only a readable beginning, such as `person`.
   */
  uploadImage(image: KieUpload): Promise<{ url: string }>;
  /** What is left in our account, in the provider's credits; may be fractional. */
  credits(): Promise<number>;
}

export interface KieUpload {
  bytes: Uint8Array;
  mime: string;
  name?: string;
  requestId?: string;
}

const TIMEOUTS: KieTimeouts = { createMs: 30 * SECOND_MS, queryMs: 10 * SECOND_MS, uploadMs: 60 * SECOND_MS };
const ANSWER_BYTES_MAX = 1_000_000;
const BACKOFF_BASE_MS = 300;
const UPLOAD_FOLDER = "atelier";
const EXTENSIONS: Readonly<Record<string, string>> = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

/** Talks to kie.ai's Market API. Throws `OperatorError` for settings that cannot work. */
export function createKieClient(options: KieClientOptions): KieClient {
  const model = KIE_MODELS[options.model];
  if (model === undefined) {
    throw new OperatorError(
      `KIE_MODEL: "${options.model}" is not a known model. Known are: ${Object.keys(KIE_MODELS).join(", ")}.`,
    );
  }
  const line: Line = {
    ...options,
    apiUrl: providerBase("KIE_API_URL", options.apiUrl, options),
    uploadUrl: providerBase("KIE_UPLOAD_URL", options.uploadUrl, options),
    timeouts: { ...TIMEOUTS, ...options.timeouts },
  };
  return {
    createTask: (order) => createTask(line, createTaskBody(options.model, model, order), order.requestId),
    getTask: (taskId, about = {}) => repeated(line, () => getTask(line, taskId, about.requestId)),
    uploadImage: (image) => repeated(line, () => uploadImage(line, image)),
    credits: () => repeated(line, () => credits(line)),
  };
}

/** The options with everything filled in that the calls need. */
type Line = KieClientOptions & { timeouts: KieTimeouts };

async function createTask(line: Line, body: CreateTaskBody, requestId?: string): Promise<{ taskId: string }> {
  const answer = await call(line, {
    method: "POST",
    url: line.apiUrl + KIE_PATHS.createTask,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    timeoutMs: line.timeouts.createMs,
    repeatable: false,
    ...(requestId === undefined ? {} : { requestId }),
  });
  throwFailure(answer, { repeatable: false });
  const data = envelopeOf(answer)?.data;
  if (!Value.Check(CreateTaskData, data)) throw failure("unknown", "accepted the task without naming its id");
  return { taskId: data.taskId };
}

async function getTask(line: Line, taskId: string, requestId?: string): Promise<KieTask> {
  const answer = await call(line, {
    method: "GET",
    url: `${line.apiUrl}${KIE_PATHS.recordInfo}?taskId=${encodeURIComponent(taskId)}`,
    timeoutMs: line.timeouts.queryMs,
    repeatable: true,
    ...(requestId === undefined ? {} : { requestId }),
  });
  return taskFrom(answer, (cost) => {
    line.log.error("kie.ai named an impossible cost", { taskId, cost, alert: true });
    line.onBadCost?.(taskId, cost);
  });
}

async function uploadImage(line: Line, image: KieUpload): Promise<{ url: string }> {
  const fileName = uploadName(image);
  const form = new FormData();
  form.set("file", new File([new Uint8Array(image.bytes)], fileName, { type: image.mime }));
  form.set("uploadPath", UPLOAD_FOLDER);
  form.set("fileName", fileName);
  const answer = await call(line, {
    method: "POST",
    url: line.uploadUrl + KIE_PATHS.uploadStream,
    body: form,
    timeoutMs: line.timeouts.uploadMs,
    repeatable: true,
    ...(image.requestId === undefined ? {} : { requestId: image.requestId }),
  });
  throwFailure(answer, { repeatable: true });
  const data = envelopeOf(answer)?.data;
  if (!Value.Check(UploadData, data) || !URL.canParse(data.downloadUrl)) {
    throw failure("unavailable", "took the upload without naming its link");
  }
  return { url: data.downloadUrl };
}

async function credits(line: Line): Promise<number> {
  const url = line.apiUrl + KIE_PATHS.credit;
  const answer = await call(line, { method: "GET", url, timeoutMs: line.timeouts.queryMs, repeatable: true });
  throwFailure(answer, { repeatable: true });
  const left = envelopeOf(answer)?.data;
  if (typeof left === "number" && Number.isFinite(left) && left >= 0) return left;
  line.log.error("kie.ai named an impossible balance", { credits: left, alert: true });
  throw new ProviderFailure("kie.ai", "rejected", "named an impossible balance", { alert: true });
}

function call(line: Line, request: Omit<ProviderRequest, "provider" | "bytesMax" | "log">): Promise<ProviderAnswer> {
  return providerRequest({
    provider: "kie.ai",
    bytesMax: ANSWER_BYTES_MAX,
    log: line.log,
    ...request,
    headers: { authorization: `Bearer ${line.apiKey}`, ...request.headers },
  });
}

function repeated<T>(line: Line, work: () => Promise<T>): Promise<T> {
  return withRetries(work, {
    tries: PROVIDER_TRIES,
    baseMs: BACKOFF_BASE_MS,
    random: line.random ?? Math.random,
    sleep: line.sleep ?? Bun.sleep,
    repeatable: true,
    // Whoever waited this long for one try comes again later rather than holding on to its place now.
    totalMs: line.timeouts.queryMs,
  });
}

function taskFrom(answer: ProviderAnswer, onImpossibleCost: (cost: unknown) => void): KieTask {
  const envelope = envelopeOf(answer);
  const code = effectiveCode(answer);
  const message = messageOf(envelope);
  if (envelope !== undefined) {
    if (code === 404 || (code === 422 && /null|not found/i.test(message))) return TASK_NOT_FOUND;
    if (code === 200 || code === 501 || code === 408) {
      const read = readTask(envelope.data);
      if (read !== undefined) {
        if ("impossibleCost" in read) onImpossibleCost(read.impossibleCost);
        return read.task;
      }
      if (code !== 200) return failedTask(String(code), message);
      if (envelope.data === null) return TASK_NOT_FOUND;
    }
  }
  throwFailure(answer, { repeatable: true });
  throw failure("unavailable", "described the task in an unknown shape");
}

/** Throws what the answer says went wrong, if anything did. */
function throwFailure(answer: ProviderAnswer, call: { repeatable: boolean }): void {
  const found = failureOf(answer);
  if (found === undefined) return;
  const kind = found.kind === "unknown" && call.repeatable ? "unavailable" : found.kind;
  throw new ProviderFailure("kie.ai", kind, found.message, {
    ...(found.retryAfterMs === undefined ? {} : { retryAfterMs: found.retryAfterMs }),
    ...(found.alert === undefined ? {} : { alert: found.alert }),
  });
}

function uploadName(image: KieUpload): string {
  const beginning = (image.name ?? "photo")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 20);
  return `${beginning}-${randomToken(16)}.${EXTENSIONS[image.mime] ?? "bin"}`;
}

function failure(kind: "unknown" | "unavailable", message: string): ProviderFailure {
  return new ProviderFailure("kie.ai", kind, message);
}
