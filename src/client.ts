import { type Treaty, treaty } from "@elysiajs/eden";
import { type Fetcher, signing, type TokenStore } from "./client/signing.ts";
import type { App } from "./routes.ts";

export {
  type ChatMessage,
  type ChatOptions,
  type ChatOutcome,
  chatAddress,
  sayToAssistant,
} from "./client/chat.ts";
export {
  type LiveEvent,
  type LiveEventData,
  type LiveFrame,
  type LiveHello,
  liveAddress,
  readLiveFrame,
} from "./client/live.ts";
export { type Problem, problemOf } from "./client/problem.ts";
export type { TokenStore, Tokens } from "./client/signing.ts";
export type { ChatFrame } from "./features/editing/index.ts";
export type { PanelHint, PanelTopic } from "./platform/live/panel-hints.ts";

export interface ClientOptions {
  tokens?: TokenStore;
  /** The language of refusals while nobody is signed in. */
  language?: "ru" | "en";
  fetcher?: Fetcher;
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
  const send: Fetcher = options.fetcher ?? ((address, init) => fetch(address, init));
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
