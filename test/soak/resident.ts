import { personWith, type RemotePerson, type RequestOptions, signInAt } from "../support/remote-person.ts";
import { type Book, emptyBook, type Order, type OrderKind } from "./book.ts";
import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";

/** Somebody tries so long before they give up; longer than the database or a server is ever away. */
const PATIENCE_MS = 30_000;
const RETRY_MS = { least: 150, most: 900 };
/** A request that hangs for so long is a difference of its own. */
const REQUEST_MS_MAX = 60_000;
/** One of so many taps comes twice at once, to both servers. */
const DOUBLE_TAP_SHARE = 0.2;

/** What everybody in the town shares. */
export interface Town {
  stage: Stage;
  happened: Tally;
  differences: string[];
  /** Orders that were paid at the provider, for whoever gives back. */
  paid: { paymentId: string; remoteId: string; kopecks: number }[];
  residents: Resident[];
  seed: number;
}

/** A person with a client of their own, who goes to whichever server answers. */
export interface Resident {
  readonly town: Town;
  readonly telegramId: number;
  readonly random: () => number;
  readonly book: Book;
  id: string;
  token: string;
  photos: { user: string; item: string } | undefined;
  editPhoto: string | undefined;
  /** The conversation with the assistant that was begun last. */
  sessionId: string | undefined;
  variants: string[];
  /** The person is being signed out, or has erased everything: no socket is opened. */
  isAway: boolean;
  isErased: boolean;
}

const pause = ({ random }: Resident) => Bun.sleep(RETRY_MS.least + random() * (RETRY_MS.most - RETRY_MS.least));

/** The person at one of the two servers. */
export function at(resident: Resident): RemotePerson {
  const { urls } = resident.town.stage;
  return personWith(urls[resident.random() < 0.5 ? 0 : 1], resident.id, resident.token);
}

/** Signs in, as often as it takes. */
export async function signIn(resident: Resident, startParam?: string): Promise<void> {
  const { urls } = resident.town.stage;
  const givesUpAt = performance.now() + 2 * PATIENCE_MS;
  for (;;) {
    try {
      const url = urls[resident.random() < 0.5 ? 0 : 1];
      const who = { telegramId: resident.telegramId, ...(startParam === undefined ? {} : { startParam }) };
      const { id, token } = await signInAt(url, who);
      Object.assign(resident, { id, token });
      return;
    } catch (error) {
      if (performance.now() > givesUpAt) throw error;
      await pause(resident);
    }
  }
}

export async function newResident(
  town: Town,
  who: { telegramId: number; random: () => number; startParam?: string; invitedBy?: string },
): Promise<Resident> {
  const resident: Resident = {
    town,
    telegramId: who.telegramId,
    random: who.random,
    book: { ...emptyBook(), invitedBy: who.invitedBy },
    id: "",
    token: "",
    photos: undefined,
    editPhoto: undefined,
    sessionId: undefined,
    variants: [],
    isAway: false,
    isErased: false,
  };
  await signIn(resident, who.startParam);
  town.residents.push(resident);
  return resident;
}

/** Whether an answer leaves open what came of the request, so that it is sent again. */
const isOpen = (status: number) => status >= 500 || status === 429;

/**
 * Sends a request again and again until it is answered for good; null when patience ends. What is not safe to be sent
 * twice needs a key in its headers.
 */
export async function persist(
  resident: Resident,
  path: string,
  options: RequestOptions = {},
): Promise<{ status: number; body: Uint8Array; json(): never } | null> {
  const { town } = resident;
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < givesUpAt) {
    const sentAt = performance.now();
    const answer = await at(resident)
      .request(path, options)
      .then(async (response) => ({ status: response.status, body: await response.bytes() }))
      .catch(() => null);
    if (performance.now() - sentAt > REQUEST_MS_MAX) {
      town.differences.push(`${path} took ${Math.round(performance.now() - sentAt)} ms`);
    }
    const text = () => new TextDecoder().decode(answer?.body);
    if (answer?.status === 500) town.differences.push(`${path} answered 500: ${text()}`);
    if (answer === null) town.happened.add("connection lost, asked again");
    else if (isOpen(answer.status)) town.happened.add(`answer ${answer.status}, asked again`);
    else if (answer.status === 409 && text().includes("request_in_progress")) town.happened.add("tap while one runs");
    else return { ...answer, json: () => JSON.parse(text()) as never };
    await pause(resident);
  }
  town.happened.add(`nobody answered ${path.replace(/[0-9a-f-]{36}/, ":id")}`);
  return null;
}

/**
 * Orders something under a new key, now and then by two taps at once, and writes down what was said to it. `idIn` finds
 * the id in an answer of `status`.
 */
export async function order(
  resident: Resident,
  wish: { kind: OrderKind; path: string; json?: unknown; status: number; idIn: (answer: never) => string },
): Promise<{ answer: unknown; id: string; order: Order } | { refused: string }> {
  const key = `${wish.kind}-${resident.telegramId}-${resident.book.orders.length}`;
  const written: Order = { kind: wish.kind, key, ids: new Set() };
  resident.book.orders.push(written);
  const tap = () =>
    persist(resident, wish.path, {
      method: "POST",
      headers: { "idempotency-key": key },
      ...(wish.json === undefined ? {} : { json: wish.json }),
    });
  const answers = await Promise.all([tap(), resident.random() < DOUBLE_TAP_SHARE ? tap() : undefined]);
  let taken: unknown;
  let refused: string | undefined;
  for (const answer of answers) {
    if (!answer) continue;
    if (answer.status === wish.status) {
      taken = answer.json();
      written.ids.add(wish.idIn(taken as never));
    } else {
      written.refused = answer.status;
      refused = `${answer.status} ${codeOf(answer.body)}`;
    }
  }
  if (written.ids.size > 0) delete written.refused;
  if (answers[0] === null || answers[1] === null) delete written.refused;
  const [id] = written.ids;
  return id === undefined ? { refused: refused ?? "nobody answered" } : { answer: taken, id, order: written };
}

export function codeOf(body: Uint8Array): string {
  try {
    return (JSON.parse(new TextDecoder().decode(body)) as { code?: string }).code ?? "";
  } catch {
    return "";
  }
}
