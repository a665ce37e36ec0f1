import { and, eq, isNotNull, lte, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { payments, RECONCILE_DAYS, subscriptions, taxEntries } from "../features/billing/index.ts";
import { queueDepth } from "../platform/queue/inspect.ts";
import { table } from "./command.ts";

const count = sql`count(*)`.mapWith(Number);

/** What waits in a restored database, and what to do before it is let go. */
export async function shownWork(ctx: Context, isHeld: boolean): Promise<string> {
  const depth = await queueDepth(ctx);
  const jobs = depth.kinds.map((row) => [row.kind, row.state, String(row.jobs)]);
  const now = ctx.clock.now();
  const counted = async (rows: Promise<{ rows: number }[]>) => String((await rows)[0]?.rows ?? 0);
  const due = [
    [
      "renewals whose time has come",
      await counted(
        ctx.db
          .select({ rows: count })
          .from(subscriptions)
          .where(and(isNotNull(subscriptions.nextTryAt), lte(subscriptions.nextTryAt, now))),
      ),
    ],
    [
      "orders not paid yet",
      await counted(ctx.db.select({ rows: count }).from(payments).where(eq(payments.status, "pending"))),
    ],
    [
      "sales not registered yet",
      await counted(ctx.db.select({ rows: count }).from(taxEntries).where(eq(taxEntries.state, "ready"))),
    ],
  ];
  const lines = [table(["waits", "how many"], due)];
  if (jobs.length > 0) lines.push("", table(["job", "state", "how many"], jobs));
  if (!isHeld) return lines.join("\n");
  lines.push(
    "",
    "Charging cards, registering sales, deleting pictures and the jobs above are on hold; messages that waited are not sent.",
    "Before they go on:",
    "  1. atelier serve, and look: the app, atelier doctor",
    `  2. atelier reconcile: takes over what was paid since (the last ${RECONCILE_DAYS} days), and names payments of which the backup knows no order:`,
    "     those people have paid, and a renewal among them would be charged once more",
    "  3. atelier tax export, and compare with the tax service what was registered since",
    "  4. atelier jobs retry --all-parked",
    "People who erased themselves since the backup are in it again: erase them once more.",
  );
  return lines.join("\n");
}
