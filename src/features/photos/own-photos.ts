import { and, eq, or } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { builtOnce, type Given } from "../../platform/db/built-once.ts";
import { Refusal } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import type { StoredFile } from "./photos.ts";
import { type FilePurpose, files } from "./tables.ts";

/**
 * The person's own photo of one of the purposes. Somebody else's is `not_found`, exactly like one that never was; one
 * past its time is `photo_expired`.
 */
export async function ownPhoto(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  photoId: string,
  purposes: readonly FilePurpose[],
): Promise<StoredFile> {
  const [file] = await ownPhotos(ctx, userId, [{ photoId, purposes }]);
  return file;
}

export interface WantedPhoto {
  photoId: string;
  purposes: readonly FilePurpose[];
}

/** One or two of the person's own photos, read in one go; what is refused is the first that is to be refused. */
export async function ownPhotos<const Wanted extends readonly [WantedPhoto] | readonly [WantedPhoto, WantedPhoto]>(
  ctx: Pick<Context, "db" | "clock">,
  userId: string,
  wanted: Wanted,
): Promise<{ [Place in keyof Wanted]: StoredFile }> {
  const [first, second = first] = wanted;
  const areIds = isId(first.photoId) && isId(second.photoId);
  const rows = areIds ? await readOwn(ctx.db, { userId, first: first.photoId, second: second.photoId }) : [];
  const found = wanted.map(({ photoId, purposes }) => {
    const file = rows.find((row) => row.id === photoId);
    if (!file || !purposes.includes(file.purpose)) throw new Refusal("not_found");
    if (file.deletedAt !== null || file.expiresAt <= ctx.clock.now()) throw new Refusal("photo_expired");
    return file;
  });
  return found as { [Place in keyof Wanted]: StoredFile };
}

const readOwn = builtOnce((db, given: Given<{ userId: string; first: string; second: string }>) =>
  db
    .select()
    .from(files)
    .where(
      and(
        eq(files.userId, given("userId", files.userId)),
        or(eq(files.id, given("first", files.id)), eq(files.id, given("second", files.id))),
      ),
    ),
);
