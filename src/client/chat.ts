import type { Client } from "../client.ts";
import type { ChatErrorFrame, ChatFrame, ChatMessageFrame } from "../features/editing/index.ts";
import { type Problem, problemOf } from "./problem.ts";

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
