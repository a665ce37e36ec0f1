import { Value } from "@sinclair/typebox/value";
import { ProviderFailure } from "../../platform/errors.ts";
import { parseJson } from "../provider-http.ts";
import type { ProviderStream } from "../provider-stream.ts";
import { failureOf, OPENROUTER } from "./classify.ts";
import type { Gathered } from "./completion.ts";
import { createEventReader } from "./event-stream.ts";
import { ChatAnswer, GENERATION_ID_HEADER } from "./wire.ts";

/** The end of a stream; not JSON. */
const DONE = "[DONE]";

/**
 * Reads an answer in either form; what it is comes from the answer and not from what was asked, as errors before the
 * first word are plain JSON. `onText` gets each piece of text as it comes.
 *
 * Throws `ProviderFailure`, also for the errors that come under HTTP 200 or in the middle of a stream.
 */
export async function readAnswer(answer: ProviderStream, onText: (text: string) => void): Promise<Gathered> {
  const gathered: Gathered = {
    text: "",
    refusal: "",
    finishReason: "",
    nativeFinishReason: "",
    model: "",
    generationId: answer.headers.get(GENERATION_ID_HEADER) ?? "",
    usage: undefined,
  };
  const isStream = /^text\/event-stream/i.test(answer.headers.get("content-type") ?? "");
  if (isStream && answer.status === 200) await readFrames(answer.pieces, gathered, onText);
  else await readWhole(answer, gathered, onText);
  return gathered;
}

async function readWhole(answer: ProviderStream, gathered: Gathered, onText: (text: string) => void): Promise<void> {
  let text = "";
  for await (const piece of answer.pieces) text += piece;
  const json = parseJson(text);
  if (answer.status !== 200) {
    const retryAfter = answer.headers.get("retry-after");
    throw failureOf(errorIn(json), { status: answer.status, retryAfter });
  }
  take(json, gathered, onText);
  if (!Value.Check(ChatAnswer, json) || (json.choices ?? []).length === 0) {
    throw unavailable("answered in an unknown shape");
  }
}

async function readFrames(
  pieces: AsyncIterable<string>,
  gathered: Gathered,
  onText: (text: string) => void,
): Promise<void> {
  let isDone = false;
  try {
    for await (const event of eventsOf(pieces)) {
      isDone = event === DONE;
      if (isDone) break;
      takeFrame(event, gathered, onText);
    }
  } catch (error) {
    // Behind the finish reason comes only the price: the text is whole, and asking again would cost more.
    if (gathered.finishReason === "" || !(error instanceof ProviderFailure)) throw error;
  }
  if (gathered.finishReason !== "") return;
  if (!isDone) throw unavailable("the stream broke off");
  if (gathered.text === "") throw unavailable("the stream ended without an answer");
}

async function* eventsOf(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
  const reader = createEventReader();
  for await (const piece of pieces) yield* reader.push(piece);
  const rest = reader.rest();
  if (rest !== undefined) yield rest;
}

function takeFrame(event: string, gathered: Gathered, onText: (text: string) => void): void {
  const json = parseJson(event);
  if (json === undefined) throw unavailable("sent a frame that is not JSON");
  take(json, gathered, onText);
}

/** Adds what an answer or a frame says to what is gathered; the order of the checks is the provider's own. */
function take(json: unknown, gathered: Gathered, onText: (text: string) => void): void {
  const error = errorIn(json);
  if (error !== undefined) throw failureOf(error, { status: 200 });
  // Frames of a kind that nobody knows yet are skipped.
  if (!Value.Check(ChatAnswer, json)) return;
  if (json.id) gathered.generationId = json.id;
  if (json.model) gathered.model = json.model;
  if (json.usage !== undefined && json.usage !== null) gathered.usage = json.usage;
  const choice = json.choices?.find(({ index }) => index === undefined || index === 0);
  if (choice === undefined) return;
  if (choice.finish_reason === "error" || (choice.error !== undefined && choice.error !== null)) {
    throw failureOf(choice.error ?? {}, { status: 200 });
  }
  const said = choice.delta ?? choice.message;
  if (said?.refusal) gathered.refusal += said.refusal;
  if (said?.content) {
    gathered.text += said.content;
    onText(said.content);
  }
  if (choice.finish_reason) gathered.finishReason = choice.finish_reason;
  if (choice.native_finish_reason) gathered.nativeFinishReason = choice.native_finish_reason;
}

/** The `error` member of a body or a frame; undefined when there is none. */
function errorIn(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !("error" in json)) return undefined;
  return json.error ?? undefined;
}

function unavailable(message: string): ProviderFailure {
  return new ProviderFailure(OPENROUTER, "unavailable", message);
}
