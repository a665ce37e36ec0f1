import type { PhotoField, StoredPhoto } from "./photo-upload.ts";
import { keepInTab, recall } from "./tab-memory.ts";

/** Which photos are found again after a reload: those of a try-on, as long as the server has them. */
const KEPT: ReadonlySet<PhotoField> = new Set(["user_photo", "item_photo"]);
const nameOf = (field: PhotoField): string => `photo.${field}`;

export function rememberPhoto(field: PhotoField, stored: StoredPhoto | null): void {
  if (KEPT.has(field)) keepInTab(nameOf(field), stored ?? undefined);
}

/** Null where there was none, or where its time is over. */
export function rememberedPhoto(field: PhotoField): StoredPhoto | null {
  const stored = recall(nameOf(field));
  if (typeof stored !== "object" || stored === null || !("expires_at" in stored)) return null;
  return Date.parse(String(stored.expires_at)) > Date.now() ? (stored as StoredPhoto) : null;
}
