import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  flag,
  id,
  index,
  integer,
  json,
  moment,
  oneOf,
  table,
  text,
  uniqueIndex,
} from "../../platform/db/columns.ts";
import { creditHolds } from "../billing/tables.ts";
import { files } from "../photos/tables.ts";
import { users } from "../profile/tables.ts";
import { GENERATION_STATUSES } from "./states.ts";

export const GENERATION_TYPES = ["fitting", "editing"] as const;
export type GenerationType = (typeof GENERATION_TYPES)[number];

/** Columns that end in `_url` hold storage keys; the API answers signed links. */
export const generations = table(
  "generations",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    type: oneOf("type", GENERATION_TYPES).notNull(),
    status: oneOf("status", GENERATION_STATUSES).notNull(),
    zone: text("zone"),
    /** What the person wrote; null where they wrote nothing. */
    note: text("note"),
    /** What the provider is told. */
    prompt: text("prompt").notNull(),
    /** The earlier result that an edit began with; a chain of edits is followed along it. */
    baseGenerationId: id("base_generation_id"),
    /** The conversation in which an edit was ordered. */
    sessionId: id("session_id"),
    userPhotoId: id("user_photo_id").references(() => files.id),
    itemPhotoId: id("item_photo_id").references(() => files.id),
    userPhotoUrl: text("user_photo_url"),
    itemPhotoUrl: text("item_photo_url"),
    /** The clean result. */
    imageUrl: text("image_url"),
    imageFileId: id("image_file_id").references(() => files.id),
    markedFileId: id("marked_file_id").references(() => files.id),
    previewFileId: id("preview_file_id").references(() => files.id),
    markedPreviewFileId: id("marked_preview_file_id").references(() => files.id),
    /** True while the person may see only the copies with a watermark. */
    watermarked: flag("watermarked").notNull(),
    /** Where the provider finds the photos, and until when; kept so that waiting for a place uploads nothing twice. */
    providerInputs: json<{ urls: string[]; validUntilMs: number }>("provider_inputs"),
    holdId: id("hold_id")
      .notNull()
      .references(() => creditHolds.id),
    creditsSpent: integer("credits_spent").notNull(),
    freeAction: flag("free_action").notNull(),
    tokensUsed: integer("tokens_used"),
    /** 0 to 100, never falls. */
    progress: integer("progress").notNull(),
    attempt: integer("attempt").notNull(),
    cancelRequestedAt: moment("cancel_requested_at"),
    errorCode: text("error_code"),
    deadlineAt: moment("deadline_at").notNull(),
    startedAt: moment("started_at"),
    finishedAt: moment("finished_at"),
    /** Hidden from its owner and its pictures gone; the row stays for the books. */
    deletedAt: moment("deleted_at"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (generation) => [
    index("generations_user").on(generation.userId, generation.id),
    index("generations_created").on(generation.createdAt, generation.id),
    index("generations_failed").on(generation.createdAt, generation.id).where(sql`status = 'failed'`),
    index("generations_cancelled").on(generation.createdAt, generation.id).where(sql`status = 'cancelled'`),
    index("generations_error")
      .on(generation.errorCode, generation.createdAt, generation.id)
      .where(sql`error_code is not null`),
    index("generations_finished").on(generation.finishedAt).where(sql`finished_at is not null`),
    index("generations_live")
      .on(generation.deadlineAt)
      .where(sql`status in ('queued', 'submitting', 'running', 'finishing')`),
    index("generations_live_user")
      .on(generation.userId)
      .where(sql`status in ('queued', 'submitting', 'running', 'finishing')`),
    // For the row of a picture that goes: each of these columns is asked whether it refers to it.
    index("generations_user_photo").on(generation.userPhotoId).where(sql`user_photo_id is not null`),
    index("generations_item_photo").on(generation.itemPhotoId).where(sql`item_photo_id is not null`),
    index("generations_image_file").on(generation.imageFileId).where(sql`image_file_id is not null`),
    index("generations_marked_file").on(generation.markedFileId).where(sql`marked_file_id is not null`),
    index("generations_preview_file").on(generation.previewFileId).where(sql`preview_file_id is not null`),
    index("generations_marked_preview")
      .on(generation.markedPreviewFileId)
      .where(sql`marked_preview_file_id is not null`),
    uniqueIndex("generations_hold").on(generation.holdId),
    index("generations_recent_time").on(generation.finishedAt).where(sql`status = 'succeeded'`),
    check("generations_progress", sql`progress between 0 and 100`),
    check("generations_credits", sql`credits_spent >= 0`),
  ],
);

export const ATTEMPT_STATES = ["submitting", "unknown", "running", "succeeded", "failed"] as const;

/** One task at the provider. A generation has several only when the provider itself failed one. */
export const generationAttempts = table(
  "generation_attempts",
  {
    id: id("id").primaryKey(),
    generationId: id("generation_id")
      .notNull()
      .references(() => generations.id),
    number: integer("number").notNull(),
    state: oneOf("state", ATTEMPT_STATES).notNull(),
    providerTaskId: text("provider_task_id"),
    /** A task id that a callback named for an attempt whose own answer was lost; believed once it is proven. */
    claimedTaskId: text("claimed_task_id"),
    /** The provider's own code and class of failure, for the owner. */
    failure: text("failure"),
    polls: integer("polls").notNull(),
    /** What the provider charged, in thousandths of its credits; null while unknown. */
    costMillicredits: bigInteger("cost_millicredits"),
    submittedAt: moment("submitted_at").notNull(),
    acceptedAt: moment("accepted_at"),
    endedAt: moment("ended_at"),
  },
  (attempt) => [
    uniqueIndex("generation_attempts_number").on(attempt.generationId, attempt.number),
    uniqueIndex("generation_attempts_task").on(attempt.providerTaskId),
    check("generation_attempts_cost", sql`cost_millicredits is null or cost_millicredits >= 0`),
  ],
);
