import { type Treaty, treaty } from "@elysiajs/eden";
import type { ChatErrorFrame, ChatFrame, ChatMessageFrame } from "./features/editing/index.ts";
import type { GenerationView } from "./features/generations/index.ts";
import type { Problem as BareProblem } from "./platform/http/problem.ts";
import type { LiveEventType } from "./platform/live/events.ts";
import type { PanelHint } from "./platform/live/panel-hints.ts";
import type { App } from "./routes.ts";

/** What a sign-in gives; the pair belongs together and changes together. */
export interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** Where the app keeps its tokens. */
export interface TokenStore {
  read(): Tokens | null;
  /** Null when the session has ended: sign in again. */
  write(tokens: Tokens | null): void;
}

export interface ClientOptions {
  tokens?: TokenStore;
  /** The language of refusals while nobody is signed in. */
  language?: "ru" | "en";
  fetcher?: (address: string, init?: RequestInit) => Promise<Response>;
}

/** The photos of a try-on; one of them is enough. */
export type FittingPhotos = { user_photo: File; item_photo?: File } | { user_photo?: File; item_photo: File };

type Api = Treaty.Create<App>["api"]["v1"];
type Fitting = Api["fitting"];
type Editing = Api["editing"];

/** The API below `/api/v1`, with every path, body and answer typed by the server's own routes. */
export type Client = Omit<Api, "fitting" | "editing"> & {
  fitting: Omit<Fitting, "upload"> & {
    upload: { post(photos: FittingPhotos): ReturnType<Fitting["upload"]["post"]> };
  };
  editing: Omit<Editing, "upload"> & {
    upload: { post(photo: { photo: File }): ReturnType<Editing["upload"]["post"]> };
  };
};

/**
 * Makes a client of the API at `baseUrl`. With a token store it signs requests and, when the access token has run out,
 * exchanges the refresh token and asks again. Each call resolves with `{ data, error }` and never throws; what `error`
 * says is read with `problemOf`.
 */
export function createClient(baseUrl: string, options: ClientOptions = {}): Client {
  const send = options.fetcher ?? ((address: string, init?: RequestInit) => fetch(address, init));
  const { tokens: store } = options;
  const fetcher = store ? signing(baseUrl, send, store) : send;
  const api = treaty<App>(baseUrl, {
    // Times stay the ISO 8601 texts that their types say; Eden would make dates of them.
    parseDate: false,
    fetcher: fetcher as typeof fetch,
    ...(options.language ? { headers: { "accept-language": options.language } } : {}),
  });
  return api.api.v1 as Client;
}

/**
 * Sends requests with the access token. A refresh token works once, and one that comes a second time ends the session;
 * so however many requests meet an expired token at once, one exchange is made and all wait for it.
 */
function signing(baseUrl: string, send: NonNullable<ClientOptions["fetcher"]>, store: TokenStore) {
  let exchanging: Promise<void> | undefined;
  const exchange = async (refreshToken: string) => {
    const response = await send(new URL("/api/v1/auth/refresh", baseUrl).href, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refresh_token: refreshToken }),
    });
    if (response.ok) store.write((await response.json()) as Tokens);
    else if (response.status === 401 || response.status === 403) store.write(null);
  };
  return async (address: string, init: RequestInit = {}): Promise<Response> => {
    const used = store.read();
    const response = await send(address, signed(init, used));
    if (response.status !== 401 || used === null || isSignIn(address)) return response;
    if (store.read()?.access_token === used.access_token) {
      exchanging ??= exchange(used.refresh_token).finally(() => {
        exchanging = undefined;
      });
      await exchanging;
    }
    const fresh = store.read();
    return fresh === null || fresh.access_token === used.access_token ? response : send(address, signed(init, fresh));
  };
}

function signed(init: RequestInit, tokens: Tokens | null): RequestInit {
  const headers = new Headers(init.headers);
  if (tokens !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${tokens.access_token}`);
  return { ...init, headers };
}

/** A 401 of these says something about what was sent with it, not about the access token. */
function isSignIn(address: string): boolean {
  return /\/auth\/(telegram|refresh)$/.test(new URL(address).pathname);
}

/** Why a request was refused: decide by `code`, show `detail`. */
export interface Problem extends BareProblem {
  errors?: Array<{ path: string; message: string }>;
  /** Seconds. */
  retry_after?: number;
}

/** The refusal in a call's `error`; null when there is none, or when no answer came at all. */
export function problemOf(error: { value: unknown } | null): Problem | null {
  const value = error?.value;
  return typeof value === "object" && value !== null && "code" in value && "request_id" in value
    ? (value as Problem)
    : null;
}

/** What each live event carries. The rows hold the truth: an event says what to look at again. */
export interface LiveEventData extends Record<LiveEventType, object> {
  "generation.queued": Pick<GenerationView, "id" | "type" | "status">;
  "generation.started": Pick<GenerationView, "id" | "status">;
  "generation.progress": Pick<GenerationView, "id" | "status" | "progress">;
  "generation.succeeded": EndedGeneration;
  "generation.failed": EndedGeneration;
  "generation.cancelled": EndedGeneration;
  "balance.changed": { credits: number; reserved: number; reason: string; action: string };
}

type EndedGeneration = Pick<GenerationView, "id" | "type" | "status" | "progress"> & {
  error?: { code: string; charged: false };
};

/** The first frame of a socket. */
export interface LiveHello {
  type: "hello";
  last_event: number;
  active: GenerationView[];
}

/** An event of the socket or of `live.events`; `n` goes into `since` after a break. */
export type LiveEvent = {
  [Type in LiveEventType]: { n: number; type: Type; at: string; data: LiveEventData[Type] };
}[LiveEventType];

/** Operators get hints for the owner's panel between the events; everybody else never does. */
export type LiveFrame = LiveHello | LiveEvent | PanelHint;
export type { PanelHint, PanelTopic } from "./platform/live/panel-hints.ts";

/** The address of the socket for a fresh ticket of `live.ticket.post()`; after a break with the last event's number. */
export function liveAddress(baseUrl: string, ticket: string, since?: number): string {
  const address = new URL("/api/v1/live", baseUrl);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("ticket", ticket);
  if (since !== undefined) address.searchParams.set("since", String(since));
  return address.href;
}

/** A frame of the socket. */
export function readLiveFrame(text: string): LiveFrame {
  return JSON.parse(text) as LiveFrame;
}

/** What is said to the assistant. `id` is its name for good: however often and by whichever way it is sent, it is one turn. */
export type ChatMessage = Omit<ChatMessageFrame, "type">;

export interface ChatOptions {
  baseUrl: string;
  client: Client;
  message: ChatMessage;
  /**
   * Hears what comes, as it comes. After a break `accepted` comes again; of the words only those that are written from then
   * on, so what was heard before is no beginning of them, and `variants` says the whole.
   */
  hear(frame: ChatFrame): void;
  /** Waits until the next try, after so many in a row that came to nothing. */
  pause(failures: number): Promise<void>;
  /** Is given what breaks the line, for a network that is known to be gone; the answer stops that. */
  watch?(breakLine: () => void): () => void;
  /** Ends the watching; the turn itself goes on. */
  signal?: AbortSignal;
}

type Turn = NonNullable<Awaited<ReturnType<Client["editing"]["chat"]["post"]>>["data"]>;

/** A problem of null: `signal` ended it. */
export type ChatOutcome = { data: Turn; problem: null } | { data: null; problem: Problem | null };

/** Nothing was answered: the line broke, or it would not open although the server gave a ticket for it. */
type NoAnswer = "broken" | "closed_door";

/** A socket that says nothing for so long after it was asked for will not open. */
const HELLO_MS_MAX = 10_000;
/** The server ends a turn before this, so whoever hears nothing any more has lost the line. */
const SILENCE_MS_MAX = 100_000;
/** Sockets in a row that would not open; then it is asked by a plain request, which knows the message by the same name. */
const CLOSED_DOORS_MAX = 2;
/** Refusals that ask to come again with the same. */
const COME_AGAIN: ReadonlySet<string> = new Set(["request_in_progress", "busy"]);

/**
 * Says something to the assistant and stays until it is answered, over however many sockets that takes: the turn is the same
 * one each time, charged once.
 */
export async function sayToAssistant(options: ChatOptions): Promise<ChatOutcome> {
  let closedDoors = 0;
  let failures = 0;
  const hear = (frame: ChatFrame) => {
    failures = 0;
    options.hear(frame);
  };
  while (!options.signal?.aborted) {
    const told = closedDoors < CLOSED_DOORS_MAX ? await askBySocket({ ...options, hear }) : await askByRequest(options);
    if (typeof told === "object" && !COME_AGAIN.has(told.problem?.code ?? "")) return told;
    if (options.signal?.aborted) break;
    if (told === "closed_door") closedDoors += 1;
    failures += 1;
    await options.pause(failures);
  }
  return { data: null, problem: null };
}

/** The address of the assistant's socket for a fresh ticket of `live.ticket.post()`. */
export function chatAddress(baseUrl: string, ticket: string): string {
  const address = new URL("/api/v1/editing/chat", baseUrl);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("ticket", ticket);
  return address.href;
}

async function askBySocket(options: ChatOptions): Promise<ChatOutcome | NoAnswer> {
  const { data: given, error } = await options.client.live.ticket.post();
  if (error) return afterRefusal(problemOf(error));
  if (options.signal?.aborted) return "broken";
  return new Promise((resolve) => {
    const socket = new WebSocket(chatAddress(options.baseUrl, given.ticket));
    const close = () => socket.close();
    let alarm = setTimeout(close, HELLO_MS_MAX);
    let wasOpen = false;
    const unwatch = options.watch?.(close);
    options.signal?.addEventListener("abort", close);
    const listen = listener(options, (outcome) => {
      resolve(outcome);
      socket.close();
    });
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as ChatFrame;
      clearTimeout(alarm);
      alarm = setTimeout(close, SILENCE_MS_MAX);
      if (frame.type === "hello") {
        wasOpen = true;
        socket.send(JSON.stringify({ type: "message", ...options.message } satisfies ChatMessageFrame));
      }
      listen(frame);
    };
    socket.onclose = () => {
      clearTimeout(alarm);
      unwatch?.();
      options.signal?.removeEventListener("abort", close);
      resolve(wasOpen ? "broken" : "closed_door");
    };
  });
}

/** Puts the answer together of its frames. */
function listener({ message, hear }: ChatOptions, end: (outcome: ChatOutcome) => void): (frame: ChatFrame) => void {
  let sessionId = "";
  let answer: Turn["message"] = { id: "", content: "", variants: [] };
  return (frame) => {
    // One socket carries one message, so an error without a name is about that one.
    if ("id" in frame && frame.id !== undefined && frame.id !== message.id) return;
    hear(frame);
    if (frame.type === "accepted") sessionId = frame.session_id;
    else if (frame.type === "variants") {
      answer = { id: frame.message_id, content: frame.content, variants: frame.variants };
    } else if (frame.type === "done") {
      const { usage, credits_spent } = frame;
      end({ data: { session_id: sessionId, message: answer, usage, credits_spent }, problem: null });
    } else if (frame.type === "error") end({ data: null, problem: problemIn(frame) });
  };
}

async function askByRequest({ client, message, signal }: ChatOptions): Promise<ChatOutcome | NoAnswer> {
  const { content, ...rest } = message;
  const { data, error } = await client.editing.chat.post(
    { ...rest, message: content },
    { headers: { "idempotency-key": message.id }, ...(signal ? { fetch: { signal } } : {}) },
  );
  return error ? afterRefusal(problemOf(error)) : { data, problem: null };
}

/** Without a problem no answer came at all. */
const afterRefusal = (problem: Problem | null): ChatOutcome | NoAnswer =>
  problem === null ? "broken" : { data: null, problem };

function problemIn({ type: _, id: __, ...members }: ChatErrorFrame): Problem {
  return { type: `urn:atelier:problem:${members.code}`, ...members };
}

export type { ChatFrame };
