import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { newId } from "../../platform/ids.ts";
import { publish } from "../../platform/live/events.ts";
import { wakeJob } from "../../platform/queue/enqueue.ts";
import { release, settle } from "../billing/index.ts";
import { countAssistantTokens } from "../profile/index.ts";
import { changeMessages } from "./conversations.ts";
import { type ChatTurn, turnJobKey } from "./start-turn.ts";
import { chatTurns, chatVariants, type Variant } from "./tables.ts";

/** What the assistant used for a turn, all its calls together. */
export interface TurnUsage {
  model: string | null;
  inputTokens: number;
  outputTokens: number;
  costMicrodollars: number | null;
}

export type TurnEnd =
  | { state: "succeeded"; reply: string; variants: Variant[]; usage: TurnUsage }
  | { state: "failed"; code: "assistant_unavailable" | "prompt_refused"; usage: TurnUsage };

/**
 * The one function that ends a turn: its answer stands in the conversation, the credit is settled or released, the next
 * message of the conversation may go on, all in the caller's transaction. Returns false when it had ended before.
 */
export async function endTurn(tx: Context, turnId: string, end: TurnEnd): Promise<boolean> {
  const now = tx.clock.now();
  const [turn] = await tx.db
    .update(chatTurns)
    .set({
      state: end.state,
      finishedAt: now,
      ...end.usage,
      ...(end.state === "failed" ? { errorCode: end.code, creditsSpent: 0 } : {}),
    })
    .where(and(eq(chatTurns.id, turnId), isUnfinished))
    .returning();
  if (!turn) return false;
  if (end.state === "succeeded") await writeAnswer(tx, turn, end);
  else {
    await changeMessages(tx, turn.sessionId, (messages) =>
      messages.map((message) => (message.turn_id === turn.id ? { ...message, error: end.code } : message)),
    );
  }
  await (end.state === "succeeded" ? settle(tx, turn.holdId) : release(tx, turn.holdId));
  await countAssistantTokens(tx, turn.userId, end.usage.inputTokens + end.usage.outputTokens);
  await publish(tx, turn.userId, "notice", {
    about: "editing.turn",
    turn_id: turn.id,
    session_id: turn.sessionId,
    state: end.state,
  });
  await wakeNext(tx, turn);
  return true;
}

async function writeAnswer(tx: Context, turn: ChatTurn, end: Extract<TurnEnd, { state: "succeeded" }>): Promise<void> {
  const now = tx.clock.now();
  const message = {
    id: newId(),
    role: "assistant" as const,
    content: end.reply,
    image_url: null,
    timestamp: now.toISOString(),
    variants: end.variants,
    turn_id: turn.id,
  };
  const isThere = await changeMessages(tx, turn.sessionId, (messages) => {
    // Behind its own question, before questions that came while it was being answered.
    const place = messages.findIndex((earlier) => earlier.turn_id === turn.id) + 1;
    return place === 0 ? [...messages, message] : messages.toSpliced(place, 0, message);
  });
  if (!isThere) return;
  await tx.db.insert(chatVariants).values(
    end.variants.map((variant) => ({
      id: variant.id,
      userId: turn.userId,
      sessionId: turn.sessionId,
      prompt: variant.prompt,
      createdAt: now,
    })),
  );
}

/** The next message of the conversation waits for this one; its job looks at once. */
async function wakeNext(tx: Context, turn: ChatTurn): Promise<void> {
  const [next] = await tx.db
    .select({ id: chatTurns.id })
    .from(chatTurns)
    .where(and(eq(chatTurns.sessionId, turn.sessionId), gt(chatTurns.id, turn.id), isUnfinished))
    .orderBy(asc(chatTurns.id))
    .limit(1);
  if (next) await wakeJob(tx, turnJobKey(next.id));
}

/** Whether an earlier message of the conversation is still being answered. */
export async function hasEarlierTurn(ctx: Pick<Context, "db">, turn: ChatTurn): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: chatTurns.id })
    .from(chatTurns)
    .where(and(eq(chatTurns.sessionId, turn.sessionId), lt(chatTurns.id, turn.id), isUnfinished))
    .limit(1);
  return rows.length > 0;
}

/** Ends every turn of the person that waits for its answer, because they leave; returns how many. */
export async function endTurnsOf(tx: Context, userId: string): Promise<number> {
  const open = await tx.db
    .select({ id: chatTurns.id })
    .from(chatTurns)
    .where(and(eq(chatTurns.userId, userId), isUnfinished))
    .orderBy(asc(chatTurns.id));
  for (const { id } of open) {
    await endTurn(tx, id, { state: "failed", code: "assistant_unavailable", usage: NO_USAGE });
  }
  return open.length;
}

/** As a literal, so that both planners use the partial index. */
export const isUnfinished = sql`${chatTurns.state} in ('queued', 'running')`;

export const NO_USAGE: TurnUsage = { model: null, inputTokens: 0, outputTokens: 0, costMicrodollars: null };
const OVERDUE_BATCH_SIZE = 200;

/** Fails what is past its deadline, whatever its job does; returns how many. */
export async function failOverdueTurns(ctx: Context): Promise<number> {
  const overdue = await ctx.db
    .select({ id: chatTurns.id })
    .from(chatTurns)
    .where(and(isUnfinished, lt(chatTurns.deadlineAt, ctx.clock.now())))
    .orderBy(chatTurns.deadlineAt, chatTurns.id)
    .limit(OVERDUE_BATCH_SIZE);
  for (const { id } of overdue) {
    await ctx.transaction((tx) => endTurn(tx, id, { state: "failed", code: "assistant_unavailable", usage: NO_USAGE }));
  }
  return overdue.length;
}
