import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { sendOnRequest } from "../notifications/index.ts";
import { readableFiles } from "../photos/index.ts";
import { lockUser } from "../profile/index.ts";
import { isFinal } from "./states.ts";
import { ownGeneration, visibleCopyId } from "./view.ts";

/**
 * Sends a finished picture to the person's chat with the bot as a document: the copy that they may see, watermark and
 * all. Refuses with `not_found` (not theirs, or there is no picture), `generation_active`, `photo_expired`,
 * `bot_cannot_write` and `rate_limited`.
 */
export async function sendToChat(tx: Context, userId: string, generationId: string): Promise<{ status: "queued" }> {
  const user = await lockUser(tx, userId);
  const generation = await ownGeneration(tx, userId, generationId);
  if (!isFinal(generation.status)) throw new Refusal("generation_active");
  const fileId = visibleCopyId(generation);
  if (generation.status !== "succeeded" || fileId === null) throw new Refusal("not_found");
  if (!(await readableFiles(tx, [fileId])).has(fileId)) throw new Refusal("photo_expired");
  await sendOnRequest(tx, user, { fileId, about: `generation:${generation.id}:${newId()}` });
  return { status: "queued" };
}
