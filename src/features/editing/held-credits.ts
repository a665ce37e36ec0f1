import type { Context } from "../../context.ts";
import { creditsHeldUnder, HOLDS_READ_MAX } from "../billing/index.ts";
import { isUnfinished } from "./finish-turn.ts";
import { chatTurns } from "./tables.ts";

/** Credits set aside for chat turns in work. */
export async function creditsHeldByTurns({ db }: Pick<Context, "db">): Promise<number> {
  const holdIds = db.select({ id: chatTurns.holdId }).from(chatTurns).where(isUnfinished).limit(HOLDS_READ_MAX);
  return creditsHeldUnder({ db }, holdIds);
}
