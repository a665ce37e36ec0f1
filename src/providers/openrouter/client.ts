import { SECOND_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { providerBase } from "../provider-base.ts";
import { type ProviderAnswer, providerRequest } from "../provider-http.ts";
import { providerStream } from "../provider-stream.ts";
import { PROVIDER_TRIES, withRetries } from "../retry.ts";
import { type KeyState, type ModelState, readKey, readModels } from "./account.ts";
import { withAttempts } from "./attempts.ts";
import { type ChatOrder, chatBody } from "./chat-body.ts";
import { OPENROUTER } from "./classify.ts";
import { type Completion, judge } from "./completion.ts";
import { readAnswer } from "./read-answer.ts";
import { OPENROUTER_BASE_PATH, OPENROUTER_PATHS } from "./wire.ts";

export interface OpenRouterTimeouts {
  /** One try at an answer that comes in one piece. A streamed one may take what is left of `totalMs`. */
  answerMs: number;
  /** The longest silence of a streamed answer; the provider's keep-alive comments break it. */
  idleMs: number;
  /** One completion with all its tries and waits. */
  totalMs: number;
  /** One try at anything else. */
  queryMs: number;
}

export interface OpenRouterClientOptions {
  /** With or without the `/api/v1` at its end. */
  apiUrl: string;
  apiKey: string;
  /** The model, then its fallbacks in order, as `author/slug`. */
  models: readonly string[];
  log: Log;
  /** Permits plain http, and only on this machine's loopback: for the sandbox and for tests. */
  loopbackAllowed: boolean;
  /** Shown in the provider's statistics as the site that asks. */
  siteUrl?: string;
  timeouts?: Partial<OpenRouterTimeouts>;
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
}

export interface CompletionRequest extends ChatOrder {
  requestId?: string;
  /** Given, the answer is streamed, and each piece of text comes here. */
  onDelta?: (text: string) => void;
  /** Forget all deltas so far, another try begins. Without it nothing is tried again once a delta was delivered. */
  onRestart?: () => void;
  /** Drops the connection, which for Anthropic also ends the work and its price. The call then throws its reason. */
  signal?: AbortSignal;
}

export interface OpenRouterClient {
  /**
   * One answer of the model. Throws `ProviderFailure`, and as one `UnusableAnswer` when an answer came and cannot be used.
   * Neither what is sent nor what comes back stands in a failure or in the log.
   */
  complete(request: CompletionRequest): Promise<Completion>;
  /** Whether the key works, and what it may still spend. */
  key(): Promise<KeyState>;
  /** How the configured models stand in the provider's list, in the order of the configuration. */
  models(): Promise<ModelState[]>;
}

const TIMEOUTS: OpenRouterTimeouts = {
  answerMs: 20 * SECOND_MS,
  idleMs: 10 * SECOND_MS,
  totalMs: 30 * SECOND_MS,
  queryMs: 10 * SECOND_MS,
};
const ANSWER_BYTES_MAX = 2_000_000;
/** The list has hundreds of models with long descriptions. */
const MODELS_BYTES_MAX = 16_000_000;
const BACKOFF_BASE_MS = 300;
const SITE_TITLE = "atelier";
const SLUG = /^~?[\w.-]+\/[\w.-]+(:[\w.-]+)?$/;

/** Talks to OpenRouter's chat completions. Throws `OperatorError` for settings that cannot work. */
export function createOpenRouterClient(options: OpenRouterClientOptions): OpenRouterClient {
  const wrong = options.models.find((slug) => !SLUG.test(slug));
  if (options.models.length === 0 || wrong !== undefined) {
    throw new OperatorError(
      `OPENROUTER_MODELS: "${wrong ?? ""}" is not a model. Name one or more, such as anthropic/claude-haiku-4.5.`,
    );
  }
  const line: Line = {
    ...options,
    apiUrl: providerBase("OPENROUTER_API_URL", options.apiUrl, {
      loopbackAllowed: options.loopbackAllowed,
      basePath: OPENROUTER_BASE_PATH,
    }),
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    random: options.random ?? Math.random,
    sleep: options.sleep ?? Bun.sleep,
  };
  return {
    complete: (request) => complete(line, request),
    key: async () => readKeyRepeatedly(line),
    models: () =>
      repeated(line, async () => readModels(await query(line, OPENROUTER_PATHS.models, MODELS_BYTES_MAX), line.models)),
  };
}

/** The options with everything filled in that the calls need. */
type Line = OpenRouterClientOptions &
  Required<Pick<OpenRouterClientOptions, "random" | "sleep">> & { timeouts: OpenRouterTimeouts };

async function complete(line: Line, request: CompletionRequest): Promise<Completion> {
  let shown = false;
  const onText = (text: string): void => {
    if (request.onDelta === undefined) return;
    shown = true;
    request.onDelta(text);
  };
  return withAttempts(
    (leftMs) => {
      if (shown) request.onRestart?.();
      shown = false;
      return completeOnce(line, request, leftMs, onText);
    },
    {
      totalMs: line.timeouts.totalMs,
      random: line.random,
      sleep: line.sleep,
      signal: request.signal,
      mayRestart: () => !shown || request.onRestart !== undefined,
    },
  );
}

async function completeOnce(
  line: Line,
  request: CompletionRequest,
  leftMs: number,
  onText: (text: string) => void,
): Promise<Completion> {
  const stream = request.onDelta !== undefined;
  const gathered = await providerStream(
    {
      provider: OPENROUTER,
      method: "POST",
      url: line.apiUrl + OPENROUTER_PATHS.chat,
      headers: {
        ...headersOf(line),
        "content-type": "application/json",
        accept: stream ? "text/event-stream" : "application/json",
      },
      body: JSON.stringify(chatBody(line.models, request, stream)),
      timeoutMs: stream ? leftMs : Math.min(leftMs, line.timeouts.answerMs),
      bytesMax: ANSWER_BYTES_MAX,
      repeatable: true,
      log: line.log,
      ...(stream ? { idleMs: line.timeouts.idleMs } : {}),
      ...(request.requestId === undefined ? {} : { requestId: request.requestId }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    },
    (answer) => readAnswer(answer, onText),
  );
  return judge({ ...gathered, model: gathered.model || (line.models[0] ?? "") }, line.log);
}

function query(line: Line, path: string, bytesMax: number): Promise<ProviderAnswer> {
  return providerRequest({
    provider: OPENROUTER,
    method: "GET",
    url: line.apiUrl + path,
    headers: headersOf(line),
    timeoutMs: line.timeouts.queryMs,
    bytesMax,
    repeatable: true,
    log: line.log,
  });
}

function readKeyRepeatedly(line: Line): Promise<KeyState> {
  return repeated(line, async () => readKey(await query(line, OPENROUTER_PATHS.key, ANSWER_BYTES_MAX)));
}

function repeated<T>(line: Line, call: () => Promise<T>): Promise<T> {
  const { random, sleep } = line;
  return withRetries(call, {
    tries: PROVIDER_TRIES,
    baseMs: BACKOFF_BASE_MS,
    random,
    sleep,
    totalMs: line.timeouts.queryMs,
  });
}

function headersOf(line: Line): Record<string, string> {
  return {
    authorization: `Bearer ${line.apiKey}`,
    ...(line.siteUrl === undefined ? {} : { "http-referer": line.siteUrl }),
    "x-openrouter-title": SITE_TITLE,
  };
}
