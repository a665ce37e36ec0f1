import { and, desc, eq, gt, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { type DeleteReason, journalDeletions } from "../photos/index.ts";
import { type ChatMessage, chatHistory, chatTurns, chatVariants } from "./tables.ts";

/** Conversations are kept for this long after their last message. A read after it refuses, even when cleanup is late. */
export const CONVERSATION_KEPT_MS = 30 * DAY_MS;
/** Messages that one conversation keeps; the oldest fall out. */
const MESSAGES_KEPT_MAX = 200;

export type Conversation = typeof chatHistory.$inferSelect;

/** The person's own conversation; anybody else's, an unknown and an old one are all `not_found`. */
export async function ownConversation(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  sessionId: string,
): Promise<Conversation> {
  const rows = isId(sessionId)
    ? await ctx.db
        .select()
        .from(chatHistory)
        .where(and(eq(chatHistory.sessionId, sessionId), eq(chatHistory.userId, userId), isFresh(ctx)))
    : [];
  if (!rows[0]) throw new Refusal("not_found");
  return rows[0];
}

/** Begins an empty conversation. */
export async function beginConversation(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  photoId: string | null = null,
): Promise<Conversation> {
  const now = ctx.clock.now();
  const [row] = await ctx.db
    .insert(chatHistory)
    .values({ id: newId(), userId, sessionId: newId(), messages: [], photoId, createdAt: now, updatedAt: now })
    .returning();
  if (!row) throw new Error("an inserted conversation was not returned");
  return row;
}

/** The person's conversations, newest message first. */
export async function listConversations(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  page: { before: string | null; limit: number },
): Promise<Conversation[]> {
  return ctx.db
    .select()
    .from(chatHistory)
    .where(
      and(
        eq(chatHistory.userId, userId),
        isFresh(ctx),
        page.before === null ? undefined : lt(chatHistory.id, page.before),
      ),
    )
    .orderBy(desc(chatHistory.id))
    .limit(page.limit);
}

/**
 * Changes the messages of a conversation in the caller's transaction. The row is locked first, so that two messages at
 * once do not overwrite each other. Returns false when the conversation is gone.
 */
export async function changeMessages(
  tx: Pick<Context, "db" | "clock">,
  sessionId: string,
  change: (messages: ChatMessage[]) => ChatMessage[],
  more: { photoId?: string } = {},
): Promise<boolean> {
  const [locked] = await tx.db
    .update(chatHistory)
    .set({ updatedAt: tx.clock.now(), ...more })
    .where(eq(chatHistory.sessionId, sessionId))
    .returning();
  if (!locked) return false;
  await tx.db
    .update(chatHistory)
    .set({ messages: change(locked.messages).slice(-MESSAGES_KEPT_MAX) })
    .where(eq(chatHistory.sessionId, sessionId));
  return true;
}

/** Forgets a conversation with its variants; turns stay, without words, for the books. */
export async function forgetConversation(
  tx: Pick<Context, "db" | "clock">,
  sessionId: string,
  reason: DeleteReason,
): Promise<void> {
  await tx.db.delete(chatVariants).where(eq(chatVariants.sessionId, sessionId));
  const gone = await tx.db.delete(chatHistory).where(eq(chatHistory.sessionId, sessionId)).returning();
  await journalDeletions(
    tx,
    gone.map(({ id }) => ({ subjectId: id, kind: "conversation", reason, name: sessionId })),
  );
}

/** The old history goes, a fresh conversation about the same photo begins. */
export async function resetConversation(
  ctx: Context,
  userId: string,
  sessionId: string | undefined,
): Promise<Conversation> {
  return ctx.transaction(async (tx) => {
    if (sessionId === undefined) return beginConversation(tx, userId);
    const old = await ownConversation(tx, userId, sessionId);
    const [busy] = await tx.db
      .select({ id: chatTurns.id })
      .from(chatTurns)
      .where(and(eq(chatTurns.sessionId, sessionId), sql`${chatTurns.state} in ('queued', 'running')`))
      .limit(1);
    if (busy) throw new Refusal("request_in_progress", { retry_after: 2 });
    await forgetConversation(tx, sessionId, "deleted");
    return beginConversation(tx, userId, old.photoId);
  });
}

/** Removes conversations past their time; returns how many. */
export async function forgetOldConversations(ctx: Context, limit: number): Promise<number> {
  const old = await ctx.db
    .select({ sessionId: chatHistory.sessionId })
    .from(chatHistory)
    .where(lt(chatHistory.updatedAt, after(ctx.clock.now(), -CONVERSATION_KEPT_MS)))
    .limit(limit);
  for (const { sessionId } of old) await ctx.transaction((tx) => forgetConversation(tx, sessionId, "retention"));
  return old.length;
}

const isFresh = (ctx: Pick<Context, "clock">) =>
  gt(chatHistory.updatedAt, after(ctx.clock.now(), -CONVERSATION_KEPT_MS));
