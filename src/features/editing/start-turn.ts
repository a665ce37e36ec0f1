import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, SECOND_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { enqueue, JOB_PRIORITY } from "../../platform/queue/enqueue.ts";
import { reserve } from "../billing/index.ts";
import { screenWords } from "../generations/index.ts";
import { refuseInMaintenance } from "../maintenance/index.ts";
import { lockUser, refuseWithoutConsent } from "../profile/index.ts";
import { baseOf, type NamedBase } from "./base.ts";
import { beginConversation, changeMessages, ownConversation } from "./conversations.ts";
import { MESSAGE_LENGTH_MAX } from "./editing-prompt.ts";
import { chatTurns } from "./tables.ts";

export type ChatTurn = typeof chatTurns.$inferSelect;

/** A turn that has no answer after this time fails, and its credit comes back. */
export const TURN_MS_MAX = 90 * SECOND_MS;
/** Messages of one conversation that may wait for their answers. */
const WAITING_TURNS_MAX = 30;

/** The queue holds at most one job for a turn. */
export const turnJobKey = (turnId: string): string => `turn:${turnId}`;

/** At most one of photo and earlier result: what the conversation is about from here on. */
export interface TurnOrder extends NamedBase {
  sessionId?: string | undefined;
  message: string;
  /** The client's own id of the message; the same id again is the same turn. */
  clientId?: string | undefined;
}

/**
 * Accepts a message to the assistant: the credit is held, the message stands in its conversation and the turn's job is
 * enqueued, in one transaction. All gates stand before the charge.
 */
export async function startTurn(ctx: Context, order: TurnOrder): Promise<ChatTurn> {
  // Whoever comes back for an answer gets it, whatever new messages meet meanwhile.
  const known = order.clientId === undefined ? null : await turnOfClient(ctx, order.userId, order.clientId);
  if (known) return known;
  await refuseInMaintenance(ctx);
  if (ctx.assistant === null)
    throw new Refusal("assistant_unavailable", { reason: "not_configured", retry_after: 600 });
  await refuseWithoutConsent(ctx, order.userId);
  return ctx.transaction(async (tx) => {
    await lockUser(tx, order.userId);
    const earlier = order.clientId === undefined ? null : await turnOfClient(tx, order.userId, order.clientId);
    if (earlier) return earlier;
    const about = await subjectOf(tx, order);
    const wish = screenWords(order.message, { path: "/body/message", lengthMax: MESSAGE_LENGTH_MAX });
    if (wish === undefined) {
      throw new Refusal("validation_failed", { errors: [{ path: "/body/message", message: "says nothing" }] });
    }
    const conversation =
      order.sessionId === undefined
        ? await beginConversation(tx, order.userId)
        : await ownConversation(tx, order.userId, order.sessionId);
    await refuseWhenTooManyWait(tx, conversation.sessionId);
    const turnId = newId();
    const hold = await reserve(tx, order.userId, "chat_turn", `turn:${turnId}`);
    const turn = await insertTurn(tx, order, { turnId, sessionId: conversation.sessionId, hold });
    const message = {
      id: newId(),
      role: "user" as const,
      content: wish,
      // Of a result nothing but its generation may be linked.
      image_url: about?.earlier === null ? about.base.storageKey : null,
      timestamp: tx.clock.now().toISOString(),
      turn_id: turnId,
    };
    const photoChange = about === null ? {} : { photoId: about.base.id };
    await changeMessages(tx, conversation.sessionId, (messages) => [...messages, message], photoChange);
    // People wait for the answer with the page open, so a turn goes before pictures.
    await enqueue(
      tx,
      "editing.reply",
      { turn_id: turnId },
      { uniqueKey: turnJobKey(turnId), priority: JOB_PRIORITY.paid - 5 },
    );
    return turn;
  });
}

async function subjectOf(tx: Context, order: TurnOrder): Promise<Awaited<ReturnType<typeof baseOf>> | null> {
  if (order.photoId === undefined && order.generationId === undefined) return null;
  if (order.photoId !== undefined && order.generationId !== undefined) {
    throw new Refusal("validation_failed", {
      errors: [{ path: "/body/photo_id", message: "give either photo_id or generation_id" }],
    });
  }
  return baseOf(tx, order);
}

async function insertTurn(
  tx: Context,
  order: TurnOrder,
  facts: { turnId: string; sessionId: string; hold: { id: string; credits: number } },
): Promise<ChatTurn> {
  const now = tx.clock.now();
  const [turn] = await tx.db
    .insert(chatTurns)
    .values({
      id: facts.turnId,
      userId: order.userId,
      sessionId: facts.sessionId,
      clientId: order.clientId ?? null,
      state: "queued",
      holdId: facts.hold.id,
      creditsSpent: facts.hold.credits,
      inputTokens: 0,
      outputTokens: 0,
      deadlineAt: after(now, TURN_MS_MAX),
      createdAt: now,
    })
    .returning();
  if (!turn) throw new Error("an inserted turn was not returned");
  return turn;
}

async function turnOfClient(tx: Pick<Context, "db">, userId: string, clientId: string): Promise<ChatTurn | null> {
  const rows = await tx.db
    .select()
    .from(chatTurns)
    .where(and(eq(chatTurns.userId, userId), eq(chatTurns.clientId, clientId)));
  return rows[0] ?? null;
}

async function refuseWhenTooManyWait(tx: Pick<Context, "db">, sessionId: string): Promise<void> {
  const [row] = await tx.db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(chatTurns)
    .where(and(eq(chatTurns.sessionId, sessionId), sql`${chatTurns.state} in ('queued', 'running')`));
  if ((row?.count ?? 0) >= WAITING_TURNS_MAX) throw new Refusal("rate_limited", { retry_after: 10 });
}
