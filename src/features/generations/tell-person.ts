import { desc, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isConnected } from "../../platform/live/presence.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import { balanceOf, creditGrants, priceOf } from "../billing/index.ts";
import { notify } from "../notifications/index.ts";
import { findUser } from "../profile/index.ts";
import type { Generation } from "./start.ts";
import { generations } from "./tables.ts";
import { visibleCopyId } from "./view.ts";

/**
 * The job `generation.ended`: a person who is not looking at the app hears of the end through the bot, and of a balance
 * that pays for no further try-on. Whoever cancelled knows it.
 */
export async function tellOfEnd(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const generationId = String(job.payload.generation_id);
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const [generation] = await tx.db.select().from(generations).where(eq(generations.id, generationId));
    if (!generation || generation.deletedAt !== null) return;
    if (!(await isConnected(tx, generation.userId))) await tellResult(tx, generation);
    if (generation.status === "succeeded") await tellLowBalance(tx, generation);
  });
  return DONE;
}

async function tellResult(tx: Context, generation: Generation): Promise<void> {
  const common = { userId: generation.userId, about: `generation:${generation.id}` };
  if (generation.status === "succeeded") {
    const documentFileId = visibleCopyId(generation) ?? undefined;
    await notify(tx, { ...common, message: { key: "picture_ready", parameters: {} }, documentFileId });
  }
  if (generation.status === "failed") {
    const code = generation.errorCode ?? "internal_error";
    await notify(tx, { ...common, message: { key: "picture_failed", parameters: { code } } });
  }
}

/** Once after each grant: whoever buys again hears of it again, and nobody after every picture. */
async function tellLowBalance(tx: Context, generation: Generation): Promise<void> {
  if (generation.freeAction) return;
  const user = await findUser(tx, generation.userId);
  if (!user) return;
  const { credits, free_actions } = await balanceOf(tx, user);
  if (credits >= priceOf(tx.catalogue, "fitting") || free_actions.used < free_actions.limit) return;
  const [grant] = await tx.db
    .select({ id: creditGrants.id })
    .from(creditGrants)
    .where(eq(creditGrants.userId, user.id))
    .orderBy(desc(creditGrants.id))
    .limit(1);
  await notify(tx, {
    userId: user.id,
    message: { key: "low_balance", parameters: { credits } },
    about: `grant:${grant?.id ?? user.id}`,
  });
}
