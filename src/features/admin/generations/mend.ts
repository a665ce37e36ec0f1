import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { recordChange } from "../../audit/index.ts";
import { endGeneration, type Generation, isFinal, retryGeneration } from "../../generations/index.ts";
import { change, type Order } from "../change.ts";
import { anyGeneration } from "./generation-list.ts";

/**
 * Runs a picture that failed or was cancelled again, as the person themselves could: a new generation that they pay for,
 * since what the first one held came back to them. One that succeeded is not made a second time on their account.
 */
export async function retryByOperator(ctx: Context, order: Order): Promise<Generation> {
  return ctx.transaction(async (tx) => {
    const before = await anyGeneration(tx, order.id);
    if (before.status === "succeeded") throw new Refusal("already_finished");
    const made = await retryGeneration(tx, before.userId, before.id);
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action: "generation.retry",
      subject: "generation",
      subjectId: before.id,
      personId: before.userId,
      before: { status: before.status, error: before.errorCode },
      after: { new_generation_id: made.id },
    });
    return made;
  });
}

/**
 * Ends a picture that is stuck as failed, so that what it holds comes back; through the one function that ends any. What the
 * provider may still make of it is thrown away, whoever pays for it.
 */
export async function releaseByOperator(ctx: Context, order: Order): Promise<Generation> {
  return change(ctx, order, {
    action: "generation.release",
    subject: "generation",
    read: (tx) => anyGeneration(tx, order.id),
    async make(tx, before) {
      if (isFinal(before.status)) throw new Refusal("already_finished");
      const isEnded = await endGeneration(tx, before.id, { status: "failed", code: "internal_error" });
      if (!isEnded) throw new Refusal("already_finished");
    },
    facts: ({ status, attempt, errorCode }) => ({ status, attempt, error: errorCode }),
    personOf: (generation) => generation.userId,
  });
}
