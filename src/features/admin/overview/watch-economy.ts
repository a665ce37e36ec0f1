import { eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../../platform/queue/outcome.ts";
import { tellOwner } from "../../notifications/index.ts";
import { economyOf } from "./economy.ts";
import { economyWarnings } from "./overview-tables.ts";

/** Looked at over this many days. */
const WATCHED_DAYS = 30;

/** Recurring: tells the owner of a plan or pack that costs more than it brings, once until it does no more. */
export async function watchEconomy(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const { products } = await economyOf(ctx, WATCHED_DAYS);
  for (const product of products) {
    await ctx.transaction(async (tx) => {
      await fence(tx, job);
      if (!product.negative) {
        await tx.db.delete(economyWarnings).where(eq(economyWarnings.product, product.product));
        return;
      }
      const isNew = await tx.db
        .insert(economyWarnings)
        .values({ product: product.product, toldAt: tx.clock.now() })
        .onConflictDoNothing()
        .returning();
      if (isNew.length === 0) return;
      await tellOwner(tx, {
        level: "warning",
        reason: "product_negative",
        details: {
          product: product.product,
          days: WATCHED_DAYS,
          sales: product.sales,
          net_kopecks: product.net_kopecks,
          cost_kopecks: product.cost_if_all_used_kopecks,
          margin_kopecks: product.margin_kopecks,
        },
      });
    });
  }
  return DONE;
}
