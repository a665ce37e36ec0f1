import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { callbackTaskId, verifyKieSignature } from "../../providers/kie/callback.ts";
import { attemptOfCallback, claimTask } from "./attempts.ts";
import { generationAttempts } from "./tables.ts";

export interface KieCallback {
  /** The last part of the callback's address. */
  secret: string;
  body: unknown;
  timestamp: string | null;
  signature: string | null;
}

/**
 * kie.ai says that a task ended. Its body is not believed: it only makes the generation's job look at once. The address
 * proves that the call belongs to one attempt of ours, and where an HMAC key is set the headers must prove their sender.
 * After the attempt's end a callback is logged and changes nothing.
 */
export async function takeCallback(ctx: Context, callback: KieCallback): Promise<void> {
  const attemptId = attemptOfCallback(ctx, callback.secret);
  const taskId = callbackTaskId(callback.body);
  if (attemptId === null || taskId === undefined) throw new Refusal("not_found");
  if (ctx.settings.KIE_WEBHOOK_KEY !== "") {
    const isProven = verifyKieSignature({
      key: ctx.settings.KIE_WEBHOOK_KEY,
      taskId,
      timestamp: callback.timestamp ?? "",
      signature: callback.signature ?? "",
      now: ctx.clock.now(),
    });
    if (!isProven) throw new Refusal("forbidden");
  }
  const [attempt] = await ctx.db.select().from(generationAttempts).where(eq(generationAttempts.id, attemptId));
  if (!attempt) throw new Refusal("not_found");
  if (attempt.endedAt !== null || (attempt.providerTaskId !== null && attempt.providerTaskId !== taskId)) {
    ctx.log.info("a callback came for an attempt that has ended or has another task", { attempt: attemptId });
    return;
  }
  await ctx.transaction((tx) => claimTask(tx, attempt, taskId));
}
