import { type Treaty, treaty } from "@elysiajs/eden";
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
