import { and, eq, inArray, isNull } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { generations } from "../generations/index.ts";
import { files, linkTo, photoView, type StoredFile } from "../photos/index.ts";
import type { Conversation } from "./conversations.ts";

type ViewNeeds = Pick<Context, "db" | "clock" | "links" | "settings">;

const PREVIEW_LENGTH = 120;

/** A conversation with its messages; photos that are still stored carry a link. */
export async function viewConversation(ctx: ViewNeeds, row: Conversation) {
  const keys = [...new Set(row.messages.map((message) => message.image_url).filter((key) => key !== null))];
  const stored =
    keys.length === 0
      ? []
      : await ctx.db
          .select()
          .from(files)
          .where(and(inArray(files.storageKey, keys), eq(files.userId, row.userId), isNull(files.deletedAt)));
  const now = ctx.clock.now();
  const shown = stored.filter(({ expiresAt }) => expiresAt > now);
  const links = new Map(shown.map((file) => [file.storageKey, linkTo(ctx, file)]));
  return {
    session_id: row.sessionId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    ...(await viewSubject(ctx, row, shown)),
    messages: row.messages.map(({ turn_id: _turn, image_url, ...message }) => ({
      ...message,
      image_url: image_url === null ? null : (links.get(image_url) ?? null),
    })),
  };
}

/**
 * What the conversation is about: a photo, or an earlier result and the photo that was shown last before it. The clean copy of
 * a result is never linked; its generation says what may be seen of it.
 */
async function viewSubject(ctx: ViewNeeds, row: Conversation, shown: readonly StoredFile[]) {
  const [file] =
    row.photoId === null
      ? []
      : await ctx.db
          .select()
          .from(files)
          .where(and(eq(files.id, row.photoId), eq(files.userId, row.userId), isNull(files.deletedAt)));
  const now = ctx.clock.now();
  const subject = file && file.expiresAt > now ? file : undefined;
  if (subject && subject.purpose !== "result_clean") return { photo: photoView(ctx, subject) };
  const lastKey = row.messages.findLast(({ image_url: key }) =>
    shown.some(({ storageKey }) => storageKey === key),
  )?.image_url;
  const last = shown.find(({ storageKey }) => storageKey === lastKey);
  const photo = last ? photoView(ctx, last) : null;
  if (!subject) return { photo };
  const [result] = await ctx.db
    .select({ id: generations.id })
    .from(generations)
    .where(
      and(eq(generations.imageFileId, subject.id), eq(generations.userId, row.userId), isNull(generations.deletedAt)),
    );
  return { photo, ...(result ? { generation_id: result.id } : {}) };
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
