import { desc, gte } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { newId } from "../../platform/ids.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import { ownerAlerts } from "./tables.ts";

export interface OwnerAlert {
  level: "warning" | "critical";
  /** Stable words, such as `kie_out_of_funds`. */
  reason: string;
  details?: Record<string, unknown>;
}

/** Tells the owner of something that needs them, in the caller's transaction. */
export async function tellOwner(
  tx: Pick<Context, "db" | "clock" | "wakeUps" | "afterCommit" | "requestId">,
  alert: OwnerAlert,
): Promise<void> {
  await tx.db.insert(ownerAlerts).values({
    id: newId(),
    level: alert.level,
    reason: alert.reason,
    details: alert.details ?? {},
    createdAt: tx.clock.now(),
  });
  await enqueue(tx, "owner.alert", { level: alert.level, reason: alert.reason, details: alert.details ?? {} });
}

/** The alerts since a moment, newest first, for `doctor`. */
export async function recentAlerts(ctx: Pick<Context, "db">, since: Date, limit = 20) {
  return ctx.db
    .select()
    .from(ownerAlerts)
    .where(gte(ownerAlerts.createdAt, since))
    .orderBy(desc(ownerAlerts.createdAt), desc(ownerAlerts.id))
    .limit(limit);
}
