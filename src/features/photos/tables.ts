import { sql } from "drizzle-orm";
import { check, flag, id, index, integer, moment, oneOf, table, text, uniqueIndex } from "../../platform/db/columns.ts";
import { users } from "../profile/tables.ts";

/** What a stored picture is. Clean results and their previews are kept apart from the ones with a watermark. */
export const FILE_PURPOSES = [
  "user_photo",
  "item_photo",
  "edit_photo",
  "result_clean",
  "result_marked",
  "preview_clean",
  "preview_marked",
] as const;
export type FilePurpose = (typeof FILE_PURPOSES)[number];

/** Why something was deleted: its time was over, its owner wanted it, or its owner erased everything. */
export const DELETE_REASONS = ["retention", "deleted", "erased"] as const;
export type DeleteReason = (typeof DELETE_REASONS)[number];

/** Every stored picture with its deadline. A read after the deadline refuses, even when cleanup is late. */
export const files = table(
  "files",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    purpose: oneOf("purpose", FILE_PURPOSES).notNull(),
    storageKey: text("storage_key").notNull(),
    /** False for clean copies while their owner may see only the ones with a watermark. */
    viewable: flag("viewable").notNull(),
    mime: text("mime").notNull(),
    bytes: integer("bytes").notNull(),
    widthPx: integer("width_px").notNull(),
    heightPx: integer("height_px").notNull(),
    createdAt: moment("created_at").notNull(),
    expiresAt: moment("expires_at").notNull(),
    deletedAt: moment("deleted_at"),
    /** Why the deadline was brought forward; null where it was left as it was. */
    deleteReason: oneOf("delete_reason", DELETE_REASONS),
    /** Deletions that the storage refused; the row stays until one succeeds. */
    deleteFailures: integer("delete_failures").notNull(),
  },
  (file) => [
    uniqueIndex("files_storage_key").on(file.storageKey),
    index("files_user").on(file.userId, file.id),
    index("files_due").on(file.expiresAt).where(sql`deleted_at is null`),
    check("files_sizes", sql`bytes > 0 and width_px > 0 and height_px > 0`),
  ],
);

/** What else is journaled: stored bytes that no row knew, conversations, people. */
export const DELETED_KINDS = [...FILE_PURPOSES, "orphan", "conversation", "person"] as const;
export type DeletedKind = (typeof DELETED_KINDS)[number];

/**
 * The journal of deletions: what, when, why, and the hash of its name only. The names in the database are from when it
 * held pictures alone.
 */
export const deletions = table(
  "file_deletions",
  {
    id: id("id").primaryKey(),
    /** The id of what was deleted; that of the entry for bytes without a row, that of the receipt for a person. */
    subjectId: id("file_id").notNull(),
    kind: oneOf("purpose", DELETED_KINDS).notNull(),
    reason: oneOf("reason", DELETE_REASONS).notNull(),
    nameHash: text("name_hash").notNull(),
    deletedAt: moment("deleted_at").notNull(),
  },
  (deletion) => [index("file_deletions_age").on(deletion.deletedAt)],
);
