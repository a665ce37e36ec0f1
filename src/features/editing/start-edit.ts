import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import { type OrderedGeneration, screenWords, startGeneration } from "../generations/index.ts";
import { refuseInMaintenance } from "../maintenance/index.ts";
import { baseOf, type NamedBase } from "./base.ts";
import { changeMessages, ownConversation } from "./conversations.ts";
import { editPrompt, MESSAGE_LENGTH_MAX } from "./editing-prompt.ts";
import { chatVariants } from "./tables.ts";

export interface EditOrder extends NamedBase {
  sessionId?: string | undefined;
  variantId?: string | undefined;
  prompt?: string | undefined;
}

/**
 * Orders an edit: of a photo or of an earlier result, by a variant of the assistant or by the person's own words. The
 * provider is always given the clean copy of a result; what its owner may see is another matter.
 */
export async function startEdit(ctx: Context, order: EditOrder): Promise<OrderedGeneration> {
  await refuseInMaintenance(ctx);
  exactlyOne("photo_id", order.photoId, "generation_id", order.generationId);
  exactlyOne("variant_id", order.variantId, "prompt", order.prompt);
  const { base, earlier } = await baseOf(ctx, order);
  const words =
    order.variantId === undefined ? ownWords(order.prompt ?? "") : await variantPrompt(ctx, order, order.variantId);
  if (order.sessionId !== undefined) await joinConversation(ctx, order.userId, order.sessionId, base.id);
  return startGeneration(ctx, {
    userId: order.userId,
    type: "editing",
    action: "edit_generation",
    prompt: editPrompt(words),
    note: words,
    userPhoto: base,
    ...(earlier === null ? {} : { baseGenerationId: earlier.id }),
    ...(order.sessionId === undefined ? {} : { sessionId: order.sessionId }),
  });
}

/** An order without a word said before it decides what the conversation is about. */
async function joinConversation(ctx: Context, userId: string, sessionId: string, photoId: string): Promise<void> {
  const conversation = await ownConversation(ctx, userId, sessionId);
  if (conversation.photoId === null) await changeMessages(ctx, sessionId, (messages) => messages, { photoId });
}

/** The words of a variant that the assistant gave this very person. */
async function variantPrompt(ctx: Context, order: EditOrder, variantId: string): Promise<string> {
  const rows = isId(variantId)
    ? await ctx.db
        .select()
        .from(chatVariants)
        .where(and(eq(chatVariants.id, variantId), eq(chatVariants.userId, order.userId)))
    : [];
  const variant = rows[0];
  if (!variant || (order.sessionId !== undefined && order.sessionId !== variant.sessionId))
    throw new Refusal("not_found");
  // A variant lives as long as its conversation, also while cleanup is late.
  await ownConversation(ctx, order.userId, variant.sessionId);
  return ownWords(variant.prompt);
}

function ownWords(prompt: string): string {
  const words = screenWords(prompt, { path: "/body/prompt", lengthMax: MESSAGE_LENGTH_MAX });
  if (words === undefined)
    throw new Refusal("validation_failed", { errors: [{ path: "/body/prompt", message: "says nothing" }] });
  return words;
}

function exactlyOne(nameA: string, a: string | undefined, nameB: string, b: string | undefined): void {
  if ((a === undefined) !== (b === undefined)) return;
  throw new Refusal("validation_failed", {
    errors: [{ path: `/body/${nameA}`, message: `give either ${nameA} or ${nameB}` }],
  });
}
