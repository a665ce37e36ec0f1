import { and, eq, inArray, isNull } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { generations } from "../generations/index.ts";
import { files, linkTo, photoView } from "../photos/index.ts";
import type { Conversation } from "./conversations.ts";

const PREVIEW_LENGTH = 120;

/** A conversation with its messages; photos that are still stored carry a link. */
export async function viewConversation(ctx: Pick<Context, "db" | "clock" | "links" | "settings">, row: Conversation) {
  const keys = [...new Set(row.messages.map((message) => message.image_url).filter((key) => key !== null))];
  const stored =
    keys.length === 0
      ? []
      : await ctx.db
          .select()
          .from(files)
          .where(and(inArray(files.storageKey, keys), eq(files.userId, row.userId), isNull(files.deletedAt)));
  const now = ctx.clock.now();
  const links = new Map(
    stored.filter((file) => file.expiresAt > now).map((file) => [file.storageKey, linkTo(ctx, file)]),
  );
  return {
    session_id: row.sessionId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    ...(await viewSubject(ctx, row)),
    messages: row.messages.map(({ turn_id: _turn, image_url, ...message }) => ({
      ...message,
      image_url: image_url === null ? null : (links.get(image_url) ?? null),
    })),
  };
}

/** What the conversation is about. The clean copy of a result is never linked; its generation says what may be seen of it. */
async function viewSubject(ctx: Pick<Context, "db" | "clock" | "links" | "settings">, row: Conversation) {
  if (row.photoId === null) return { photo: null };
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, row.photoId), eq(files.userId, row.userId), isNull(files.deletedAt)));
  if (!file || file.expiresAt <= ctx.clock.now()) return { photo: null };
  if (file.purpose !== "result_clean") return { photo: photoView(ctx, file) };
  const [result] = await ctx.db
    .select({ id: generations.id })
    .from(generations)
    .where(
      and(eq(generations.imageFileId, file.id), eq(generations.userId, row.userId), isNull(generations.deletedAt)),
    );
  return { photo: null, ...(result ? { generation_id: result.id } : {}) };
}

/** A conversation in a list. */
export function viewConversationLine(row: Conversation) {
  const last = row.messages.at(-1);
  return {
    session_id: row.sessionId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    message_count: row.messages.length,
    last_message: last ? last.content.slice(0, PREVIEW_LENGTH) : null,
  };
}
