import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { failureOf } from "../kit/loading.ts";
import { createStore } from "../kit/store.ts";
import { type Generation, rememberGeneration } from "./generation-store.ts";

/**
 * The conversation that is open on this page: what was said, what it is about, and which pictures came of it. The server keeps
 * it; here stands what the page knows of it, and in the tab's own storage which one it is.
 */

export type Session = AnswerOf<ReturnType<typeof api.editing.sessions>["get"]>;
export type Message = Session["messages"][number];
export type Variant = NonNullable<Message["variants"]>[number];

/** What a picture is made of, or a message is about. */
export type Base = { kind: "photo"; id: string; url: string } | { kind: "picture"; id: string };

export interface Talk {
  /** Whose it is: a tab of the sandbox may become somebody else's. */
  personId: string;
  /** Null until something was said or ordered. */
  sessionId: string | null;
  /** Where the chain of edits begins; null when that is no longer stored. */
  origin: Base | null;
  /** An earlier link of the chain that was chosen, for as long as `newest` is its newest picture. */
  chosen: { base: Base; newest: string | null } | null;
  messages: readonly Message[];
  /** The pictures ordered in it, oldest first. */
  pictures: readonly Generation[];
  /** What is written and not sent. */
  draft: string;
  /** False for one that was open before a reload, until it is read. */
  isKnown: boolean;
}

/** Null: none is open. */
export const talk = createStore<Talk | null>(null);

const STORED_AS = "atelier.edit";
const PICTURES_MAX = 100;

/** Changes the open conversation; `of` is what it was when the change was asked for, so that no answer lands in another. */
export function changeTalk(change: Partial<Talk>, of: Talk | null = talk.read()): void {
  const now = talk.read();
  if (now === null || of === null || now.personId !== of.personId || !isSame(now, of)) return;
  talk.write({ ...now, ...change });
  keep();
}

/** A conversation gets its number with its first message; what it is about stays. */
const isSame = (now: Talk, before: Talk): boolean =>
  now.sessionId === before.sessionId || (before.sessionId === null && now.origin?.id === before.origin?.id);

/** Begins a new one about this; `sessionId` where the server has begun it already. */
export function beginTalk(personId: string, origin: Base | null, sessionId: string | null = null): void {
  talk.write({ ...nothingSaid(personId), origin, sessionId });
  keep();
}

export function closeTalk(): void {
  talk.write(null);
  keep();
}

/** Opens one that the server keeps. Throws a `CallFailure`. */
export async function openTalk(personId: string, sessionId: string): Promise<void> {
  const fresh = { ...nothingSaid(personId), sessionId };
  const known = await readTalk(sessionId);
  talk.write({ ...fresh, ...known });
  keep();
}

/** Reads the open one anew; one that is no more is closed. Throws a `CallFailure`: what is shown stays then. */
export async function refreshTalk(): Promise<void> {
  const before = talk.read();
  if (before === null || before.sessionId === null) return;
  try {
    changeTalk(await readTalk(before.sessionId), before);
  } catch (error) {
    const isGone = failureOf(error).problem?.status === 404;
    if (!isGone) throw error;
    if (talk.read()?.sessionId === before.sessionId) closeTalk();
  }
}

async function readTalk(sessionId: string): Promise<Pick<Talk, "messages" | "pictures" | "origin" | "isKnown">> {
  const [session, list] = await Promise.all([
    answerOf(api.editing.sessions({ id: sessionId }).get()),
    answerOf(api.generations.get({ query: { session_id: sessionId, limit: PICTURES_MAX } })),
  ]);
  rememberGeneration(...list.items);
  const pictures = list.items.toReversed();
  return { messages: session.messages, pictures, origin: originOf(session, pictures), isKnown: true };
}

/** A conversation is about what it was last shown; the chain begins with what the first picture was made of. */
function originOf({ photo, generation_id: id }: Session, pictures: readonly Generation[]): Base | null {
  const first = pictures[0]?.base_generation_id;
  if (first !== undefined) return { kind: "picture", id: first };
  if (photo !== null) return { kind: "photo", id: photo.id, url: photo.url };
  return id === undefined ? null : { kind: "picture", id };
}

const nothingSaid = (personId: string): Talk => ({
  personId,
  sessionId: null,
  origin: null,
  chosen: null,
  messages: [],
  pictures: [],
  draft: "",
  isKnown: true,
});

type Kept = Pick<Talk, "personId" | "sessionId" | "origin" | "chosen" | "draft">;

function keep(): void {
  const now = talk.read();
  try {
    if (now === null) sessionStorage.removeItem(STORED_AS);
    else {
      const { personId, sessionId, origin, chosen, draft } = now;
      sessionStorage.setItem(STORED_AS, JSON.stringify({ personId, sessionId, origin, chosen, draft } satisfies Kept));
    }
  } catch {
    // Storage may be forbidden; then a reload begins at the list of conversations.
  }
}

/** After a reload: the one that was open in this tab, if it is this person's. */
export function reviveTalk(personId: string): void {
  if (talk.read()?.personId === personId) return;
  talk.write(null);
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null") as Kept | null;
    if (kept?.personId === personId)
      talk.write({ ...nothingSaid(personId), ...kept, isKnown: kept.sessionId === null });
  } catch {
    // What cannot be read is as good as nothing.
  }
}

/** A message of a person that waits for its answer; there is at most one, at the end. */
export function waitingIn(messages: readonly Message[]): Message | null {
  const last = messages.at(-1);
  return last?.role === "user" && last.error === undefined ? last : null;
}

/** The order as the model is told it: the words stand between the server's fixed beginning and end. */
const WORDS = /\nChange: ([\s\S]+?)\nKeep everything/;

/** What a picture was ordered by: the variant's title, or the person's own words. */
export function wishOf({ prompt }: Generation, messages: readonly Message[]): string | null {
  const words = WORDS.exec(prompt)?.[1] ?? null;
  const variants = messages.flatMap((message) => message.variants ?? []);
  return variants.find((variant) => variant.prompt === words)?.title ?? words;
}

const madeIn = ({ pictures }: Talk): readonly Generation[] =>
  pictures.filter(({ status, image_url: image }) => status === "succeeded" && image !== undefined);

/** The links of the chain: what it began with and every picture that was made, oldest first. */
export function chainOf(now: Talk): readonly Base[] {
  const made = madeIn(now).map(({ id }): Base => ({ kind: "picture", id }));
  return now.origin === null ? made : [now.origin, ...made];
}

/** What the next message is about and the next picture begins with: the newest link, unless an earlier one was chosen. */
export function baseOf(now: Talk): Base | null {
  const chain = chainOf(now);
  const { chosen } = now;
  if (chosen !== null && chosen.newest === newestOf(now) && chain.some(({ id }) => id === chosen.base.id)) {
    return chosen.base;
  }
  return chain.at(-1) ?? null;
}

export function chooseBase(base: Base): void {
  const now = talk.read();
  if (now) changeTalk({ chosen: { base, newest: newestOf(now) } });
}

const newestOf = (now: Talk): string | null => madeIn(now).at(-1)?.id ?? null;
