import { eq } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { rateWindows } from "./tables.ts";
import type { RateWindow } from "./window.ts";

/** How many places of a window are taken at this moment. */
export async function placesTaken(needs: { db: Queries; clock: Clock }, window: RateWindow): Promise<number> {
  const [row] = await needs.db.select().from(rateWindows).where(eq(rateWindows.name, window.name));
  const nowMs = needs.clock.now().getTime();
  return (row?.recentMs ?? []).filter((at) => at > nowMs - window.windowMs && at <= nowMs).length;
}
