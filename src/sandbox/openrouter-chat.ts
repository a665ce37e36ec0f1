import type { Clock } from "../platform/clock.ts";
import { SECOND_MS } from "../platform/clock.ts";
import { type ChatBody, GENERATION_ID_HEADER } from "../providers/openrouter/wire.ts";
import type { Faults } from "./faults.ts";
import type { EmulatedRequest, OpenRouterAccount } from "./openrouter-account.ts";
import { type ComposedAnswer, composeAnswer, inputTokensOf, usageOf } from "./openrouter-compose.ts";
import { ANSWER_MODES, type AnswerMode, type ChatError, ERRORS } from "./openrouter-faults.ts";
import { costOf, type EmulatedModel, findModel } from "./openrouter-models.ts";
import { streamAnswer } from "./openrouter-stream.ts";
import { endpointRefusal, readImages } from "./openrouter-validate.ts";
import { markersIn, textOf } from "./openrouter-wish.ts";

export interface ChatNeeds {
  clock: Clock;
  faults: Faults;
  account: OpenRouterAccount;
  /** Before an answer in one piece. */
  answerMs: number;
  /** Between two pieces of a streamed one. */
  deltaMs: number;
}

/** One request in hand: what is noted of it, and how to say that it has ended. */
export interface OpenRequest {
  request: EmulatedRequest;
  end: () => void;
}

/** Carries one completion out: judges body, models, pictures and funds, and answers in one piece or as a stream. */
export async function carryOutChat(body: ChatBody | ChatError, open: OpenRequest, needs: ChatNeeds): Promise<Response> {
  const refuse = (error: ChatError): Response => {
    open.request.outcome = `refused_${error.code}`;
    return refusalOf(error);
  };
  if (!("messages" in body)) return refuse(body);
  const model = chooseModel(body, needs.faults);
  if ("message" in model) return refuse(model);
  const images = await readImages(body);
  if ("message" in images) return refuse(images);
  const inputTokens = inputTokensOf(body, images.count);
  const tokensMax = Math.min(
    body.max_tokens ?? body.max_completion_tokens ?? model.outputTokensMax,
    model.outputTokensMax,
  );
  const tooPoor = fundsRefusal(model, { input: inputTokens, output: tokensMax }, needs);
  if (tooPoor !== undefined) return refuse(tooPoor);

  const mode = answerMode(body, needs.faults);
  const answer = composeAnswer(body, mode, tokensMax);
  const prepared = prepare(model, answer, inputTokens, open, needs);
  return body.stream === true ? streamed(prepared, mode, open, needs) : whole(prepared, mode, needs);
}

/** A refusal as it goes over the wire. */
export function refusalOf(error: ChatError, options: { underOk?: boolean } = {}): Response {
  const { code, message, metadata } = error;
  const body = { error: { code, message, ...(metadata === undefined ? {} : { metadata }) }, user_id: "user_sandbox" };
  return Response.json(body, { status: options.underOk === true ? 200 : code, headers: { ...error.headers } });
}

/** The first model in the list that would answer; otherwise what the first one said. */
function chooseModel(body: ChatBody, faults: Faults): EmulatedModel | ChatError {
  const failing = faults.strike("openrouter.fallback")?.mode;
  const slugs = [...new Set([...(body.model === undefined ? [] : [body.model]), ...(body.models ?? [])])];
  let refusal: ChatError | undefined;
  for (const [place, slug] of slugs.entries()) {
    const found = findModel(slug);
    if (found === undefined) refusal ??= { code: 400, message: `${slug} is not a valid model ID` };
    else if (found === "retired") refusal ??= { code: 404, message: `No endpoints found for ${slug}.` };
    else if (failing === "all_fail" || (failing === "first_fails" && place === 0)) refusal ??= ERRORS["502"];
    else {
      const refused = endpointRefusal(found, body);
      if (refused === undefined) return found;
      refusal ??= refused;
    }
  }
  return refusal ?? ERRORS["400"];
}

/** The ceiling of the answer is reserved before the start, so a poor account is refused a long one. */
function fundsRefusal(
  model: EmulatedModel,
  tokens: { input: number; output: number },
  { faults, account }: ChatNeeds,
): ChatError | undefined {
  const switched = faults.strike("openrouter.account")?.mode;
  if (switched === "empty" || account.balance <= 0) return ERRORS["402"];
  const ceiling = costOf(model, tokens.input, tokens.output);
  if (switched !== "low" && ceiling.input + ceiling.output <= account.balance) return undefined;
  const affordable =
    switched === "low" ? 1 : Math.floor((account.balance - ceiling.input) / (ceiling.output / tokens.output));
  return {
    ...ERRORS["402_max_tokens"],
    message: `This request requires more credits, or fewer max_tokens. You requested up to ${tokens.output} tokens, but can only afford ${Math.max(0, affordable)}.`,
  };
}

/** What the model is made to do: by a word in the last message itself, or by a switch. */
function answerMode(body: ChatBody, faults: Faults): AnswerMode | undefined {
  const last = body.messages.findLast(({ role }) => role === "user");
  const marker = last === undefined ? undefined : markersIn(textOf(last)).find(isAnswerMode);
  const mode = marker ?? faults.strike("openrouter.answer")?.mode;
  return mode !== undefined && isAnswerMode(mode) ? mode : undefined;
}

function isAnswerMode(word: string): word is AnswerMode {
  return (ANSWER_MODES as readonly string[]).includes(word);
}

interface Prepared {
  head: Record<string, unknown>;
  answer: ComposedAnswer;
  usage: Record<string, unknown> | undefined;
  usageWithoutChoice: boolean;
  paceMs: number | undefined;
  headers: Record<string, string>;
  /** Notes the answer as given and takes its price. */
  complete: () => void;
}

function prepare(
  model: EmulatedModel,
  answer: ComposedAnswer,
  inputTokens: number,
  { request }: OpenRequest,
  { clock, faults, account }: ChatNeeds,
): Prepared {
  const startedAtMs = Date.now();
  const usageMode = faults.strike("openrouter.usage")?.mode;
  const tokens = { input: inputTokens, output: answer.outputTokens };
  const { usage, costMicrodollars } = usageOf(model, tokens, usageMode);
  const pace = faults.strike("openrouter.pace");
  const id = account.generationId();
  const { finishReason, nativeFinishReason } = answer;
  return {
    head: {
      id,
      object: request.streamed ? "chat.completion.chunk" : "chat.completion",
      created: Math.floor(clock.now().getTime() / SECOND_MS),
      model: model.slug,
      provider: "Anthropic",
    },
    answer,
    usage,
    usageWithoutChoice: usageMode === "empty_choices",
    paceMs: pace?.delayMs,
    headers: { [GENERATION_ID_HEADER]: id },
    complete() {
      // An answer that ends in an error is free.
      const charged = finishReason === "error" ? 0 : costMicrodollars;
      const figures = { inputTokens, outputTokens: answer.outputTokens, costMicrodollars: charged };
      Object.assign(request, figures, { outcome: "answered", answeredBy: model.slug });
      const about = { id, model: model.slug, streamed: request.streamed, finishReason, nativeFinishReason };
      account.charge({ ...about, ...figures, latencyMs: Date.now() - startedAtMs, requestId: request.requestId });
    },
  };
}

async function whole(prepared: Prepared, mode: AnswerMode | undefined, needs: ChatNeeds): Promise<Response> {
  const { head, answer, usage, headers } = prepared;
  await Bun.sleep(prepared.paceMs ?? needs.answerMs);
  prepared.complete();
  const choice = {
    index: 0,
    logprobs: null,
    finish_reason: answer.finishReason,
    native_finish_reason: answer.nativeFinishReason,
    message: { role: "assistant", content: answer.text, refusal: answer.refusal, reasoning: null },
    ...(mode === "finish_error" ? { error: { code: 502, message: "Provider returned error", metadata: {} } } : {}),
  };
  const choices = mode === "no_choices" ? [] : [choice];
  const body = { ...head, system_fingerprint: null, choices, ...(usage === undefined ? {} : { usage }) };
  return Response.json(body, { headers });
}

function streamed(prepared: Prepared, mode: AnswerMode | undefined, open: OpenRequest, needs: ChatNeeds): Response {
  const stream = streamAnswer({
    ...prepared,
    withoutChoices: mode === "no_choices",
    strike: needs.faults.strike("openrouter.stream"),
    deltaMs: prepared.paceMs ?? needs.deltaMs,
    onComplete: prepared.complete,
    onEnd: open.end,
  });
  return new Response(stream, {
    headers: { ...prepared.headers, "content-type": EVENT_STREAM, "cache-control": "no-cache" },
  });
}

export const EVENT_STREAM = "text/event-stream";
