import { and, eq, gt, inArray, isNull, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS, HOUR_MS } from "../../platform/clock.ts";
import { builtOnce, type Given } from "../../platform/db/built-once.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import type { Picture } from "../../platform/images/index.ts";
import { newStorageKey, type StoredFile as StoredContent } from "../../platform/storage/storage.ts";
import { lockUser, refuseErased, refuseWithoutConsent } from "../profile/index.ts";
import { type DeleteReason, type FilePurpose, files } from "./tables.ts";

export type StoredFile = typeof files.$inferSelect;

/** Photos for a try-on are deleted a day after their upload. */
export const TRY_ON_PHOTO_KEPT_MS = 24 * HOUR_MS;
/** Photos for editing are kept as long as the conversation about them. */
export const EDIT_PHOTO_KEPT_MS = 30 * DAY_MS;
/** A link to a picture works for this long; every answer of the API carries fresh ones. */
export const LINK_VALID_MS = HOUR_MS;
/** A link that the provider is given. */
export const PROVIDER_LINK_VALID_MS = 20 * 60_000;

/** A photo as the upload routes answer it. */
export interface PhotoView {
  id: string;
  url: string;
  width: number;
  height: number;
  bytes: number;
  expires_at: string;
}

/** A file that came in a form's field. */
export interface PhotoUpload {
  field: string;
  purpose: FilePurpose;
  bytes: Uint8Array;
  declaredType: string;
}

/**
 * Checks uploaded files, makes our own clean encoding of each and stores those, in the order given. All of them are
 * checked before the first is kept, so that a refused request leaves nothing; the refusal names the `field`.
 */
export async function storePhotos(
  ctx: Context,
  userId: string,
  uploads: readonly PhotoUpload[],
): Promise<StoredFile[]> {
  await refuseWithoutConsent(ctx, userId);
  const accepted: { purpose: FilePurpose; picture: Picture }[] = [];
  for (const upload of uploads) {
    accepted.push({ purpose: upload.purpose, picture: await acceptUpload(ctx, upload) });
  }
  const rows: StoredFile[] = [];
  for (const { purpose, picture } of accepted) {
    const keptMs = purpose === "edit_photo" ? EDIT_PHOTO_KEPT_MS : TRY_ON_PHOTO_KEPT_MS;
    const expiresAt = after(ctx.clock.now(), keptMs);
    rows.push(await storePicture(ctx, { userId, purpose, picture, expiresAt, viewable: true }));
  }
  await ctx.transaction(async (tx) => {
    // Bytes whose row is refused here are collected by cleanup, like those of a crash.
    refuseErased(await lockUser(tx, userId));
    await insertFiles(tx, rows);
  });
  return rows;
}

async function acceptUpload(
  ctx: Pick<Context, "images">,
  { bytes, declaredType, field }: PhotoUpload,
): Promise<Picture> {
  try {
    return await ctx.images.acceptPhoto(bytes, declaredType);
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(error.code, { ...error.details, field }) : error;
  }
}

/**
 * Writes the bytes and returns the row that must be inserted for them. The bytes come first: a crash in between leaves
 * a file without a row, which cleanup collects, and never a row without a file.
 */
export async function storePicture(
  ctx: Pick<Context, "storage" | "clock">,
  input: { userId: string; purpose: FilePurpose; picture: Picture; expiresAt: Date; viewable: boolean },
): Promise<StoredFile> {
  const storageKey = newStorageKey(input.purpose.startsWith("result") ? "results" : "photos", "jpg");
  await ctx.storage.put(storageKey, input.picture.bytes, { mime: input.picture.mime });
  return {
    id: newId(),
    userId: input.userId,
    purpose: input.purpose,
    storageKey,
    viewable: input.viewable,
    mime: input.picture.mime,
    bytes: input.picture.bytes.byteLength,
    widthPx: input.picture.width,
    heightPx: input.picture.height,
    createdAt: ctx.clock.now(),
    expiresAt: input.expiresAt,
    deletedAt: null,
    deleteReason: null,
    deleteFailures: 0,
  };
}

/** Makes stored pictures known. */
export async function insertFiles(ctx: Pick<Context, "db">, rows: StoredFile[]): Promise<void> {
  await ctx.db.insert(files).values(rows);
}

/** The files with these ids that can still be read, by id. */
export async function readableFiles(
  ctx: Pick<Context, "db" | "clock">,
  ids: readonly string[],
): Promise<Map<string, StoredFile>> {
  const [a, b = a, c = a, d = a, ...more] = ids;
  if (a === undefined || b === undefined || c === undefined || d === undefined) return new Map();
  const now = ctx.clock.now();
  const rows =
    more.length === 0
      ? await readFew(ctx.db, { a, b, c, d, now })
      : await ctx.db
          .select()
          .from(files)
          .where(and(inArray(files.id, [...ids]), isNull(files.deletedAt), gt(files.expiresAt, now)));
  return new Map(rows.map((row) => [row.id, row]));
}

/** As many as one generation has; fewer are named twice, so that the text stays the same. */
const readFew = builtOnce((db, given: Given<{ a: string; b: string; c: string; d: string; now: Date }>) =>
  db
    .select()
    .from(files)
    .where(
      and(
        or(
          eq(files.id, given("a", files.id)),
          eq(files.id, given("b", files.id)),
          eq(files.id, given("c", files.id)),
          eq(files.id, given("d", files.id)),
        ),
        isNull(files.deletedAt),
        gt(files.expiresAt, given("now", files.expiresAt)),
      ),
    ),
);

/** A link to a picture for its owner. It never outlives the picture. */
export function linkTo(ctx: Pick<Context, "links" | "clock" | "settings">, file: StoredFile, download = false): string {
  return makeLink(ctx, file, "view", LINK_VALID_MS, download);
}

/** A short link for the provider, which may see clean copies. */
export function providerLinkTo(ctx: Pick<Context, "links" | "clock" | "settings">, file: StoredFile): string {
  return makeLink(ctx, file, "provider", PROVIDER_LINK_VALID_MS, false);
}

function makeLink(
  ctx: Pick<Context, "links" | "clock" | "settings">,
  file: StoredFile,
  purpose: "view" | "provider",
  validMs: number,
  download: boolean,
): string {
  const end = after(ctx.clock.now(), validMs);
  const expiresAt = new Date(Math.min(end.getTime(), file.expiresAt.getTime()));
  const token = ctx.links.sign({ fileId: file.id, ownerId: file.userId, purpose, expiresAt, download });
  return `${ctx.settings.PUBLIC_URL}/api/v1/files/${token}`;
}

/** What a link opens: a picture's row, and its bytes or the storage's own short link to them. */
export type OpenedLink = { file: StoredFile; disposition: string } & (
  | { content: StoredContent; elsewhere: null }
  | { content: null; elsewhere: string }
);

/**
 * Opens a link; `download` offers the picture as a file to save whatever the link says. Every fault (altered, expired,
 * deleted, not allowed) looks the same. A provider is never sent elsewhere: not all of them follow.
 */
export async function openLink(ctx: Context, token: string, download: boolean): Promise<OpenedLink> {
  const link = ctx.links.verify(token);
  if (!link) throw new Refusal("not_found");
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, link.fileId), eq(files.userId, link.ownerId), isNull(files.deletedAt)));
  if (!file || file.expiresAt <= ctx.clock.now()) throw new Refusal("not_found");
  if (link.purpose === "view" && !file.viewable) throw new Refusal("not_found");
  const disposition = `${download || link.download ? "attachment" : "inline"}; filename="${downloadName(file)}"`;
  const wishes = { mime: file.mime, disposition };
  const elsewhere = link.purpose === "view" ? await ctx.storage.link(file.storageKey, wishes) : null;
  if (elsewhere !== null) return { file, disposition, content: null, elsewhere };
  const content = await ctx.storage.read(file.storageKey);
  if (!content) throw new Refusal("not_found");
  return { file, disposition, content, elsewhere: null };
}

/** The bytes of a file of ours, or the refusal `photo_expired`. */
export async function readFile(ctx: Context, fileId: string): Promise<{ file: StoredFile; bytes: Uint8Array }> {
  const file = (await readableFiles(ctx, [fileId])).get(fileId);
  const content = file ? await ctx.storage.read(file.storageKey) : null;
  if (!file || !content) throw new Refusal("photo_expired");
  return { file, bytes: await content.content() };
}

/**
 * A picture of the person's own to hand over as a file; null when it is gone, somebody else's, or a clean copy while the
 * person may only see the one with a watermark.
 */
export async function visibleDocument(
  ctx: Context,
  wanted: { fileId: string; userId: string },
): Promise<{ bytes: Uint8Array; fileName: string; mime: string } | null> {
  const file = (await readableFiles(ctx, [wanted.fileId])).get(wanted.fileId);
  if (!file || file.userId !== wanted.userId || !file.viewable) return null;
  const content = await ctx.storage.read(file.storageKey);
  if (!content) return null;
  return { bytes: await content.content(), fileName: downloadName(file), mime: file.mime };
}

/** The name under which a picture is saved. */
export function downloadName(file: Pick<StoredFile, "id">): string {
  return `atelier-${file.id}.jpg`;
}

/** Brings the deadline of files to now, so that no read opens them any more and cleanup removes them. */
export async function expireFilesNow(
  ctx: Pick<Context, "db" | "clock">,
  ids: readonly string[],
  deleteReason: DeleteReason,
): Promise<void> {
  if (ids.length === 0) return;
  const now = ctx.clock.now();
  await ctx.db
    .update(files)
    .set({ expiresAt: now, deleteReason })
    .where(and(inArray(files.id, [...ids]), sql`${files.expiresAt} > ${sql.param(now, files.expiresAt)}`));
}

/** Lets the owner of clean copies see them from now on. */
export async function showFiles(tx: Pick<Context, "db">, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.db
    .update(files)
    .set({ viewable: true })
    .where(inArray(files.id, [...ids]));
}

/** A stored photo as the API answers it. */
export function photoView(ctx: Pick<Context, "links" | "clock" | "settings">, file: StoredFile): PhotoView {
  return {
    id: file.id,
    url: linkTo(ctx, file),
    width: file.widthPx,
    height: file.heightPx,
    bytes: file.bytes,
    expires_at: file.expiresAt.toISOString(),
  };
}
