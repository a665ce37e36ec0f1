import { and, eq, inArray, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import { showFiles } from "../photos/index.ts";
import { generations } from "./tables.ts";

const BATCH_SIZE = 200;

/** The job `payment.applied`: whoever has paid sees the clean copies of the results that are still stored. */
export async function openCleanCopies(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const userId = String(job.payload.user_id);
  for (;;) {
    const opened = await ctx.transaction(async (tx) => {
      await fence(tx, job);
      const marked = await tx.db
        .select({ id: generations.id, image: generations.imageFileId, preview: generations.previewFileId })
        .from(generations)
        .where(
          and(
            eq(generations.userId, userId),
            eq(generations.watermarked, true),
            sql`${generations.status} = 'succeeded'`,
          ),
        )
        .orderBy(generations.id)
        .limit(BATCH_SIZE);
      if (marked.length === 0) return 0;
      const ids = marked.map((row) => row.id);
      await tx.db
        .update(generations)
        .set({ watermarked: false, updatedAt: tx.clock.now() })
        .where(inArray(generations.id, ids));
      await showFiles(
        tx,
        marked.flatMap((row) => [row.image, row.preview]).filter((id) => id !== null),
      );
      return marked.length;
    });
    if (opened < BATCH_SIZE) return DONE;
  }
}
