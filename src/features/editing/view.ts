import { and, eq, inArray, isNull } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { files, linkTo } from "../photos/index.ts";
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
    messages: row.messages.map(({ turn_id: _turn, image_url, ...message }) => ({
      ...message,
      image_url: image_url === null ? null : (links.get(image_url) ?? null),
    })),
  };
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
