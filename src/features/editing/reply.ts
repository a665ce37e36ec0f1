import { createHash } from "node:crypto";
import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { ProviderFailure, Refusal } from "../../platform/errors.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome, later } from "../../platform/queue/outcome.ts";
import type { OpenRouterClient } from "../../providers/openrouter/client.ts";
import { UnusableAnswer } from "../../providers/openrouter/completion.ts";
import { tellOwner } from "../notifications/index.ts";
import { readFile } from "../photos/index.ts";
import { type CheckedAnswer, checkAnswer } from "./check-answer.ts";
import {
  ANSWER_SCHEMA,
  ANSWER_TOKENS_MAX,
  type AssistantMessage,
  assistantMessages,
  repairMessages,
} from "./editing-prompt.ts";
import { endTurn, hasEarlierTurn, isUnfinished, NO_USAGE, type TurnEnd, type TurnUsage } from "./finish-turn.ts";
import { createReplyStream } from "./reply-stream.ts";
import type { ChatTurn } from "./start-turn.ts";
import { chatHistory, chatTurns } from "./tables.ts";

/** Behind the wake-up that an ending turn sends to the next one. */
const WAIT_FOR_EARLIER_MS = 1_000;

/**
 * The job `editing.reply`: one turn of a conversation. Turns of a conversation run one after another; a later one waits
 * without a slot. The assistant is asked once, and once more when its answer does not hold; then the turn fails and the
 * credit comes back. A process that dies in the middle asks again: that costs the owner a fraction of a cent, the person
 * nothing, because the hold is settled once.
 */
export async function replyToTurn(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const [turn] = await ctx.db
    .select()
    .from(chatTurns)
    .where(and(eq(chatTurns.id, String(job.payload.turn_id)), isUnfinished));
  if (!turn) return DONE;
  if (turn.deadlineAt <= ctx.clock.now()) return finish(ctx, job, turn, failed("assistant_unavailable", NO_USAGE));
  if (await hasEarlierTurn(ctx, turn)) return later(WAIT_FOR_EARLIER_MS);
  const client = ctx.assistant;
  if (client === null) return finish(ctx, job, turn, failed("assistant_unavailable", NO_USAGE));
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    await tx.db
      .update(chatTurns)
      .set({ state: "running" })
      .where(and(eq(chatTurns.id, turn.id), isUnfinished));
  });
  const messages = await messagesOf(ctx, turn);
  if (messages === null) return finish(ctx, job, turn, failed("assistant_unavailable", NO_USAGE));
  return finish(ctx, job, turn, await ask(ctx, client, turn, messages));
}

const failed = (code: "assistant_unavailable" | "prompt_refused", usage: TurnUsage): TurnEnd => ({
  state: "failed",
  code,
  usage,
});

async function finish(ctx: Context, job: LeasedJob, turn: ChatTurn, end: TurnEnd): Promise<JobOutcome> {
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    await endTurn(tx, turn.id, end);
  });
  return DONE;
}

/** The conversation up to this turn, with the photo as a small preview; null when the conversation is gone. */
async function messagesOf(ctx: Context, turn: ChatTurn): Promise<AssistantMessage[] | null> {
  const [conversation] = await ctx.db.select().from(chatHistory).where(eq(chatHistory.sessionId, turn.sessionId));
  const place = conversation?.messages.findIndex((message) => message.turn_id === turn.id) ?? -1;
  const wish = conversation?.messages[place];
  if (!conversation || !wish) return null;
  const preview = conversation.photoId === null ? null : await previewOf(ctx, conversation.photoId);
  return assistantMessages(conversation.messages.slice(0, place), wish.content, preview);
}

/** A small copy as a data URL: the assistant needs to see what it is about, not every hair. */
async function previewOf(ctx: Context, photoId: string): Promise<string | null> {
  try {
    const { bytes } = await readFile(ctx, photoId);
    const preview = await ctx.images.preview(bytes, { aiGenerated: false });
    return `data:${preview.mime};base64,${Buffer.from(preview.bytes).toString("base64")}`;
  } catch (error) {
    // A photo past its time: the words alone still make sense.
    if (error instanceof Refusal) return null;
    throw error;
  }
}

async function ask(
  ctx: Context,
  client: OpenRouterClient,
  turn: ChatTurn,
  messages: AssistantMessage[],
): Promise<TurnEnd> {
  let usage = NO_USAGE;
  let asked = messages;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    let answer: CheckedAnswer;
    let text = "";
    try {
      const completion = await complete(ctx, client, turn, asked);
      usage = added(usage, completion);
      text = completion.text;
      answer = checkAnswer(text);
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      if (error instanceof UnusableAnswer) usage = added(usage, error.paid);
      const isMendable = error instanceof UnusableAnswer && error.kind === "rejected";
      if (!isMendable) return afterFailure(ctx, turn, error, usage);
      answer = { ok: false, fault: "it was cut off" };
    }
    if (answer.ok) return { state: "succeeded", reply: answer.reply, variants: answer.variants, usage };
    ctx.log.warn("the assistant's answer did not hold", { turn: turn.id, attempt, fault: answer.fault });
    asked = repairMessages(messages, text, answer.fault);
  }
  return failed("assistant_unavailable", usage);
}

async function complete(ctx: Context, client: OpenRouterClient, turn: ChatTurn, messages: AssistantMessage[]) {
  const stream = createReplyStream((text) => ctx.deltas.publish(turn.id, text));
  ctx.deltas.publish(turn.id, null);
  return client.complete({
    messages,
    schema: ANSWER_SCHEMA,
    maxTokens: ANSWER_TOKENS_MAX,
    endUserHash: createHash("sha256").update(`atelier:${turn.userId}`).digest("hex").slice(0, 32),
    requestId: ctx.requestId ?? turn.id,
    onDelta: (piece) => stream.push(piece),
    onRestart: () => {
      stream.reset();
      ctx.deltas.publish(turn.id, null);
    },
  });
}

function added(
  usage: TurnUsage,
  completion: { model: string; usage: { inputTokens: number; outputTokens: number; costMicrodollars: number | null } },
): TurnUsage {
  const cost = completion.usage.costMicrodollars;
  return {
    model: completion.model,
    inputTokens: usage.inputTokens + completion.usage.inputTokens,
    outputTokens: usage.outputTokens + completion.usage.outputTokens,
    costMicrodollars: cost === null ? usage.costMicrodollars : (usage.costMicrodollars ?? 0) + cost,
  };
}

async function afterFailure(
  ctx: Context,
  turn: ChatTurn,
  failure: ProviderFailure,
  usage: TurnUsage,
): Promise<TurnEnd> {
  ctx.log.warn("the assistant did not answer", { turn: turn.id, failure: failure.kind, error: failure.message });
  if (failure.alert) {
    await ctx.transaction((tx) =>
      tellOwner(tx, { level: "critical", reason: `openrouter_${failure.kind}`, details: { message: failure.message } }),
    );
  }
  return failed(failure.kind === "moderated" ? "prompt_refused" : "assistant_unavailable", usage);
}
