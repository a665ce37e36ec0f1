import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { lastEventNumber } from "../../platform/live/events.ts";
import type { LiveHub } from "../../platform/live/hub.ts";
import { type ChatTurn, TURN_MS_MAX } from "./start-turn.ts";
import { chatHistory, chatTurns, type Variant } from "./tables.ts";

/** A finished turn as the API answers it. */
export interface TurnAnswer {
  session_id: string;
  message: { id: string; content: string; variants: Variant[] };
  usage: { input_tokens: number; output_tokens: number };
  credits_spent: number;
}

const LOOK_AGAIN_MS = 2_000;

/** Waits until the turn has ended and returns its answer; throws the refusal with which it failed. */
export async function answerOf(ctx: Context, hub: LiveHub, turnId: string): Promise<TurnAnswer> {
  const deadline = performance.now() + TURN_MS_MAX;
  for (;;) {
    const [turn] = await ctx.db.select().from(chatTurns).where(eq(chatTurns.id, turnId));
    if (!turn) throw new Refusal("not_found");
    if (turn.state === "succeeded") return readAnswer(ctx, turn);
    if (turn.state === "failed") throw failureOf(turn);
    if (performance.now() > deadline)
      throw new Refusal("assistant_unavailable", { retry_after: 5, session_id: turn.sessionId });
    // Every end of a turn is an event of its person; between the look above and this, the next look catches it.
    await hub.wait(turn.userId, await lastEventNumber(ctx, turn.userId), LOOK_AGAIN_MS);
  }
}

/** Why a turn failed, as a refusal: nothing was charged. */
export function failureOf(turn: ChatTurn): Refusal {
  const code = turn.errorCode === "prompt_refused" ? "prompt_refused" : "assistant_unavailable";
  return new Refusal(code, {
    charged: false,
    session_id: turn.sessionId,
    ...(code === "prompt_refused" ? {} : { retry_after: 5 }),
  });
}

async function readAnswer(ctx: Pick<Context, "db">, turn: ChatTurn): Promise<TurnAnswer> {
  const [conversation] = await ctx.db.select().from(chatHistory).where(eq(chatHistory.sessionId, turn.sessionId));
  const message = conversation?.messages.find((one) => one.turn_id === turn.id && one.role === "assistant");
  if (!message) throw new Refusal("not_found");
  return {
    session_id: turn.sessionId,
    message: { id: message.id, content: message.content, variants: message.variants ?? [] },
    usage: { input_tokens: turn.inputTokens, output_tokens: turn.outputTokens },
    credits_spent: turn.creditsSpent,
  };
}
