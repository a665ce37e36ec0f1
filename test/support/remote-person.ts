import type { GenerationView } from "../../src/features/generations/index.ts";
import type { PhotoView } from "../../src/features/photos/index.ts";
import type { LiveEvent } from "../../src/platform/live/events.ts";
import { signInitData } from "../../src/sandbox/init-data.ts";
import { TEST_BOT_TOKEN } from "./app.ts";
import { picture, uploadForm } from "./pictures.ts";
import { until } from "./until.ts";

export interface RequestOptions {
  method?: string;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  /** Keeps the connection for the next request, as browsers do; a fresh one each time by default. */
  keepalive?: boolean;
}

/** A person with a client of their own who reaches the API over the network alone. */
export interface RemotePerson {
  readonly id: string;
  readonly token: string;
  /** Where this person's client finds the server. */
  readonly url: string;
  /** `path` begins behind `/api/v1`. A refused or cut connection throws. */
  request(path: string, options?: RequestOptions): Promise<Response>;
  /** The JSON of an answer that must have this status. */
  answer<T>(status: number, path: string, options?: RequestOptions): Promise<T>;
  /** Uploads both photos, once; later calls give the same two. */
  photos(): Promise<{ user_photo: PhotoView; item_photo: PhotoView }>;
  /** Orders a try-on; the answer may be a refusal. */
  order(note?: string): Promise<Response>;
  /** Orders a try-on that must be accepted. */
  ordered(note?: string): Promise<GenerationView>;
  look(generationId: string): Promise<GenerationView>;
  /** Waits for the end of a generation by asking again and again. */
  ended(generationId: string, limitMs?: number): Promise<GenerationView>;
  balance(): Promise<{ credits: number; reserved: number; free_actions: { used: number } }>;
  /** Opens the socket of live events. */
  listen(since?: number): Promise<LiveSocket>;
}

/** An open socket and what came over it. */
export interface LiveSocket {
  hello: { type: "hello"; last_event: number; active: GenerationView[] };
  /** In the order of their arrival. */
  events: LiveEvent[];
  /** When each event arrived, in ms since 1970. */
  arrivals: number[];
  /** The code that the socket was closed with; undefined while it is open. */
  closeCode: number | undefined;
  /** Lets the connection drop without a word of good-bye, as a phone in a tunnel does. */
  cut(): void;
}

/** Many people who wait at once must not be the load that they wait for. */
const LOOK_PAUSE_MS = 50;
const FINAL: readonly string[] = ["succeeded", "failed", "cancelled"];
let people = 7_000_000;

/**
 * Signs a made-up person in at the API that answers at `url`: a new one, now, unless it is to be a certain one, or at the
 * moment of a server whose clock was moved.
 */
export async function signInAt(
  url: string,
  who: { telegramId?: number; authDate?: Date; startParam?: string } = {},
): Promise<RemotePerson> {
  people += 1;
  const initData = signInitData({
    botToken: TEST_BOT_TOKEN,
    user: { id: who.telegramId ?? people, first_name: "Test", language_code: "en" },
    authDate: who.authDate ?? new Date(),
    ...(who.startParam === undefined ? {} : { startParam: who.startParam }),
  });
  const response = await fetch(`${url}/api/v1/auth/telegram`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ init_data: initData }),
  });
  if (response.status !== 200) throw new Error(`sign-in answered ${response.status}: ${await response.text()}`);
  const session = (await response.json()) as { access_token: string; user: { id: string } };
  return personWith(url, session.user.id, session.access_token);
}

/** A signed-in person whose client goes to this server. */
export function personWith(url: string, id: string, token: string): RemotePerson {
  let photos: ReturnType<RemotePerson["photos"]> | undefined;
  const person: RemotePerson = {
    id,
    token,
    url,
    request(path, { method = "GET", json, body, headers, keepalive = false } = {}) {
      const content = json === undefined ? body : JSON.stringify(json);
      return fetch(`${url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
        // A server that is killed and started again must not be met on a connection of its former life.
        keepalive,
      });
    },
    async answer(status, path, options) {
      const response = await person.request(path, options);
      if (response.status !== status) {
        throw new Error(`${path} answered ${response.status}, not ${status}: ${await response.text()}`);
      }
      return (await response.json()) as never;
    },
    photos() {
      photos ??= upload(person);
      return photos;
    },
    async order(note) {
      const { user_photo, item_photo } = await person.photos();
      const json = {
        user_photo_id: user_photo.id,
        item_photo_id: item_photo.id,
        zone: "top",
        ...(note === undefined ? {} : { note }),
      };
      return person.request("/fitting/generate", { method: "POST", json });
    },
    async ordered(note) {
      const response = await person.order(note);
      if (response.status !== 202) throw new Error(`order answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as GenerationView;
    },
    look: (generationId) => person.answer<GenerationView>(200, `/generations/${generationId}`),
    async ended(generationId, limitMs = 30_000) {
      let last: GenerationView | undefined;
      const hasEnded = async () => {
        if (last !== undefined) await Bun.sleep(LOOK_PAUSE_MS);
        last = await person.look(generationId);
        return FINAL.includes(last.status);
      };
      await until(hasEnded, `generation ${generationId} has ended`, limitMs);
      if (last === undefined) throw new Error("a generation was never looked at");
      return last;
    },
    balance: () => person.answer(200, "/balance"),
    listen: (since) => openSocket(url, person, since),
  };
  return person;
}

async function upload(person: RemotePerson): Promise<{ user_photo: PhotoView; item_photo: PhotoView }> {
  return person.answer(200, "/fitting/upload", { method: "POST", body: await photoForm() });
}

/** Both photos of a try-on as a form. */
export async function photoForm(): Promise<FormData> {
  return uploadForm({
    user_photo: { bytes: await picture({ colour: [180, 160, 140] }) },
    item_photo: { bytes: await picture({ colour: [30, 60, 200], width: 200, height: 200 }) },
  });
}

async function openSocket(url: string, person: RemotePerson, since: number | undefined): Promise<LiveSocket> {
  const { ticket } = await person.answer<{ ticket: string }>(200, "/live/ticket", { method: "POST" });
  const query = since === undefined ? "" : `&since=${since}`;
  const raw = new WebSocket(`${url.replace("http", "ws")}/api/v1/live?ticket=${ticket}${query}`);
  const frames: unknown[] = [];
  const socket: Omit<LiveSocket, "hello"> = {
    events: [],
    arrivals: [],
    closeCode: undefined,
    // The type of the browsers' WebSocket, which is in force here, leaves this out.
    cut: () => (raw as WebSocket & { terminate(): void }).terminate(),
  };
  raw.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as LiveEvent;
    if (frames.push(frame) === 1) return;
    socket.events.push(frame);
    socket.arrivals.push(Date.now());
  };
  raw.onclose = ({ code }) => {
    socket.closeCode = code;
  };
  await until(() => frames.length > 0 || raw.readyState === WebSocket.CLOSED, "the socket says hello");
  const hello = frames[0] as LiveSocket["hello"] | undefined;
  if (hello?.type !== "hello") throw new Error(`the socket began with ${JSON.stringify(hello)}`);
  return Object.assign(socket, { hello });
}
