import { type ChatFrame, type ChatMessage, type ChatOutcome, sayToAssistant } from "../../client.ts";
import { api, CallFailure, newKey } from "../kit/api.ts";
import { createStore } from "../kit/store.ts";
import { reloadBalance } from "./balance.ts";
import { confirmClosing } from "./closing.ts";
import { type Base, baseOf, changeTalk, refreshTalk, talk, waitingIn } from "./edit-talk.ts";
import { feel } from "./haptics.ts";
import { pause, pauseAfter } from "./patience.ts";

/**
 * A message that waits for its answer. Its name is kept in the tab's own storage until it is answered: after a reload the page
 * asks by the same name and so meets the same turn, charged once.
 */
export interface TurnOnItsWay {
  personId: string;
  message: ChatMessage;
  /** What the assistant has written so far. */
  text: string;
  /** Without a connection; it goes on by itself. */
  isWaiting: boolean;
}

export const turn = createStore<TurnOnItsWay | null>(null);
/** Why the last one was not answered; it cost nothing. */
export const turnFailure = createStore<CallFailure | null>(null);

type Turn = NonNullable<ChatOutcome["data"]>;

const STORED_AS = "atelier.edit.turn";
let watching: AbortController | null = null;

/** Says it in the open conversation. Nothing is said while an answer is on its way. */
export function sayInTalk(content: string): void {
  const now = talk.read();
  if (now === null || turn.read() !== null) return;
  const base = baseOf(now);
  const message: ChatMessage = {
    id: newKey(),
    content,
    ...(now.sessionId === null ? {} : { session_id: now.sessionId }),
    ...(base === null ? {} : subjectOf(base)),
  };
  changeTalk({ draft: "" });
  watchTurn(now.personId, message);
}

const subjectOf = (base: Base) => (base.kind === "photo" ? { photo_id: base.id } : { generation_id: base.id });

/** Stops looking at it; it is answered all the same, and the answer stands in its conversation. */
export function leaveTurn(): void {
  watching?.abort();
  watching = null;
  turn.write(null);
  turnFailure.write(null);
  keep(null);
}

/** After a reload: goes on with the message that waited in this tab. */
export function reviveTurn(personId: string): void {
  const known = turn.read();
  if (known?.personId === personId) return;
  if (known !== null) leaveTurn();
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null") as Pick<TurnOnItsWay, "personId" | "message">;
    if (kept?.personId === personId && talk.read() !== null) watchTurn(personId, kept.message);
    else keep(null);
  } catch {
    // What cannot be read is as good as nothing.
  }
}

async function watchTurn(personId: string, message: ChatMessage): Promise<void> {
  const ended = new AbortController();
  watching = ended;
  const { signal } = ended;
  const release = confirmClosing();
  turnFailure.write(null);
  turn.write({ personId, message, text: "", isWaiting: false });
  keep({ personId, message });
  const outcome = await sayToAssistant({
    baseUrl: location.origin,
    client: api,
    message,
    signal,
    hear: (frame) => {
      // From here on it is the server's: the window may be closed.
      if (frame.type === "accepted") release();
      if (!signal.aborted) hear(frame);
    },
    watch: watchNetwork,
    pause: async (failures) => {
      change({ isWaiting: true });
      await pause(pauseAfter(failures), signal);
    },
  });
  release();
  if (signal.aborted) return;
  watching = null;
  keep(null);
  if (outcome.data) {
    answered(message, outcome.data);
    turn.write(null);
    feel("success");
    // The server's own times decide what stands before what.
    refreshTalk().catch(() => undefined);
  } else {
    refused(message, new CallFailure(outcome.problem));
    turn.write(null);
    feel("failure");
  }
  reloadBalance();
}

function change(part: Partial<TurnOnItsWay>): void {
  const now = turn.read();
  if (now) turn.write({ ...now, ...part });
}

/** Words that come after a break are not the beginning; they wait for the whole. */
let hearsAll = true;

function hear(frame: ChatFrame): void {
  const now = turn.read();
  if (now === null) return;
  if (frame.type === "hello") hearsAll = now.text === "";
  if (frame.type === "accepted") {
    change({ isWaiting: false });
    changeTalk({ sessionId: frame.session_id });
  }
  if (frame.type === "restart") {
    hearsAll = true;
    change({ text: "" });
  }
  if (frame.type === "delta" && hearsAll) change({ text: now.text + frame.text });
  if (frame.type === "variants") change({ text: frame.content });
}

function answered(message: ChatMessage, answer: Turn): void {
  const now = talk.read();
  if (now === null || now.messages.some(({ id }) => id === answer.message.id)) return;
  const waiting = waitingIn(now.messages);
  const earlier = waiting === null ? now.messages : now.messages.slice(0, -1);
  const timestamp = new Date().toISOString();
  const about = { image_url: null, timestamp };
  const theirs = waiting ?? { id: message.id, role: "user" as const, content: message.content, ...about };
  const ours = { ...answer.message, role: "assistant" as const, ...about };
  changeTalk({ sessionId: answer.session_id, messages: [...earlier, theirs, ours] });
}

/** The words go back to where they were written: to be changed, or sent again. */
function refused({ content }: ChatMessage, failure: CallFailure): void {
  turnFailure.write(failure);
  const now = talk.read();
  if (now?.draft === "") changeTalk({ draft: content });
}

function keep(waiting: Pick<TurnOnItsWay, "personId" | "message"> | null): void {
  try {
    if (waiting === null) sessionStorage.removeItem(STORED_AS);
    else sessionStorage.setItem(STORED_AS, JSON.stringify(waiting));
  } catch {
    // Storage may be forbidden; then the answer is found in the conversation.
  }
}

/** A socket of a network that went away does not know it yet. */
function watchNetwork(breakLine: () => void): () => void {
  const gone = () => {
    change({ isWaiting: true });
    breakLine();
  };
  addEventListener("offline", gone);
  return () => removeEventListener("offline", gone);
}
