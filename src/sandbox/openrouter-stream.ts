import type { Strike } from "./faults.ts";
import type { ComposedAnswer } from "./openrouter-compose.ts";

const DELTA_CHARACTERS = 24;
const COMMENT = ": OPENROUTER PROCESSING\n\n";
const COMMENT_PAUSE_MS = 50;
const CUT_AFTER_MS = 10;
const SLOW_START_MS_DEFAULT = 1_000;
/** No multiple of anything in the frames, so that lines and characters are cut at ever other places. */
const SPLIT_BYTES = 97;

export interface StreamedAnswer {
  /** The members that each frame begins with. */
  head: Readonly<Record<string, unknown>>;
  answer: ComposedAnswer;
  usage: Record<string, unknown> | undefined;
  /** The last frame has no choice in it; by default it repeats the one with the finish reason. */
  usageWithoutChoice: boolean;
  /** The frames hold no choices at all. */
  withoutChoices: boolean;
  strike: Strike | undefined;
  deltaMs: number;
  /** The answer is complete, and its price is due. */
  onComplete: () => void;
  /** Nothing more will come, whatever the reason. */
  onEnd: () => void;
}

/** The answer as server-sent events: comments first, the price one frame behind the finish reason. */
export function streamAnswer(streamed: StreamedAnswer): ReadableStream<Uint8Array> {
  const chunks = streamed.strike?.mode === "split" ? splitUp(framesOf(streamed)) : encoded(framesOf(streamed));
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (!done) return controller.enqueue(value);
        streamed.onEnd();
        controller.close();
      } catch (error) {
        streamed.onEnd();
        controller.error(error);
      }
    },
    cancel() {
      streamed.onEnd();
    },
  });
}

async function* framesOf(streamed: StreamedAnswer): AsyncGenerator<string, void> {
  const { answer, strike } = streamed;
  yield* comments(strike);
  if (strike?.mode === "only_error") return yield errorFrame(streamed, 502);
  const deltas = piecesOf(answer.text ?? "");
  const middle = Math.ceil(deltas.length / 2);
  for (const [index, content] of deltas.entries()) {
    if (index === middle) {
      const error = middleError(streamed);
      if (error !== undefined) return yield error;
      if (strike?.mode === "cut") await cut();
      if (strike?.mode === "hang") await new Promise(() => {});
      if (strike?.mode === "not_json") yield "data: {oops\n\n";
    }
    yield frame(streamed, choiceOf(streamed, { content }));
    await Bun.sleep(streamed.deltaMs);
  }
  const last = choiceOf(streamed, { content: "", refusal: answer.refusal }, answer);
  yield frame(streamed, last);
  if (strike?.mode === "cut_before_usage") await cut();
  streamed.onComplete();
  if (streamed.usage !== undefined) {
    yield frame(streamed, streamed.usageWithoutChoice ? [] : last, { usage: streamed.usage });
  }
  if (strike?.mode !== "no_done") yield "data: [DONE]\n\n";
}

/** Drops the connection once what was sent so far has left: a reset overtakes it otherwise. */
async function cut(): Promise<never> {
  await Bun.sleep(CUT_AFTER_MS);
  throw new Error("cut by a fault switch");
}

async function* comments(strike: Strike | undefined): AsyncGenerator<string, void> {
  yield COMMENT;
  yield COMMENT;
  const endless = strike?.mode === "comments";
  const untilMs = strike?.mode === "slow_start" ? Date.now() + (strike.delayMs ?? SLOW_START_MS_DEFAULT) : 0;
  while (endless || Date.now() < untilMs) {
    await Bun.sleep(COMMENT_PAUSE_MS);
    yield COMMENT;
  }
}

function middleError(streamed: StreamedAnswer): string | undefined {
  switch (streamed.strike?.mode) {
    case "mid_error":
      return errorFrame(streamed, 502);
    case "mid_error_word":
      return errorFrame(streamed, "server_error");
    case "mid_moderation":
      return errorFrame(streamed, 403, "content_policy_violation");
    default:
      return undefined;
  }
}

function errorFrame(streamed: StreamedAnswer, code: number | string, error_type = "provider_unavailable"): string {
  const error = { code, message: "Provider disconnected", metadata: { error_type } };
  return frame(streamed, [{ index: 0, delta: { content: "" }, finish_reason: "error" }], { error });
}

function choiceOf(
  streamed: StreamedAnswer,
  said: { content: string; refusal?: string | null },
  ending?: ComposedAnswer,
): Record<string, unknown>[] {
  if (streamed.withoutChoices) return [];
  const delta = { role: "assistant", content: said.content, ...(said.refusal ? { refusal: said.refusal } : {}) };
  const finish = {
    finish_reason: ending?.finishReason ?? null,
    native_finish_reason: ending?.nativeFinishReason ?? null,
  };
  return [{ index: 0, delta, ...finish }];
}

function frame(streamed: StreamedAnswer, choices: unknown[], more: Record<string, unknown> = {}): string {
  return `data: ${JSON.stringify({ ...streamed.head, choices, ...more })}\n\n`;
}

function piecesOf(text: string): string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / DELTA_CHARACTERS);
  return Array.from({ length: count }, (_, index) =>
    characters.slice(index * DELTA_CHARACTERS, (index + 1) * DELTA_CHARACTERS).join(""),
  );
}

async function* encoded(frames: AsyncGenerator<string, void>): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder();
  for await (const text of frames) yield encoder.encode(text);
}

async function* splitUp(frames: AsyncGenerator<string, void>): AsyncGenerator<Uint8Array, void> {
  for await (const bytes of encoded(frames)) {
    for (let start = 0; start < bytes.byteLength; start += SPLIT_BYTES) {
      yield bytes.subarray(start, start + SPLIT_BYTES);
      await Bun.sleep(1);
    }
  }
}
