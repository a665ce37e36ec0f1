import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { type Generation, ownGeneration } from "../generations/index.ts";
import { ownPhoto, type StoredFile } from "../photos/index.ts";

/** What an edit begins with, or a message is about: a photo, or an earlier result. One of the two is named. */
export interface NamedBase {
  userId: string;
  photoId?: string | undefined;
  generationId?: string | undefined;
}

/**
 * The file behind it. Of a result it is the clean copy, which its owner may not see while a watermark is due: it goes to
 * providers and is linked nowhere.
 */
export async function baseOf(
  ctx: Pick<Context, "db" | "clock">,
  named: NamedBase,
): Promise<{ base: StoredFile; earlier: Generation | null }> {
  if (named.generationId === undefined) {
    const base = await ownPhoto(ctx, named.userId, named.photoId ?? "", ["edit_photo", "user_photo"]);
    return { base, earlier: null };
  }
  const earlier = await ownGeneration(ctx, named.userId, named.generationId);
  if (earlier.imageFileId === null) throw new Refusal("not_found");
  const base = await ownPhoto(ctx, named.userId, earlier.imageFileId, ["result_clean"]);
  return { base, earlier };
}
