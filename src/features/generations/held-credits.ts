import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { creditsHeldUnder, HOLDS_READ_MAX } from "../billing/index.ts";
import { generations } from "./tables.ts";

/** Credits set aside for pictures in work. */
export async function creditsHeldByPictures({ db }: Pick<Context, "db">): Promise<number> {
  const holdIds = db
    .select({ id: generations.holdId })
    .from(generations)
    .where(sql`${generations.status} in ('queued', 'submitting', 'running', 'finishing')`)
    .limit(HOLDS_READ_MAX);
  return creditsHeldUnder({ db }, holdIds);
}
