import { eq } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { builtOnce, type Given } from "../db/built-once.ts";
import type { Queries } from "../db/database.ts";
import { providerStates } from "./tables.ts";

export type ProviderState = typeof providerStates.$inferSelect;

/** What all processes know of a provider; null before the first contact. */
export async function providerStateOf(needs: { db: Queries }, provider: string): Promise<ProviderState | null> {
  const rows = await readState(needs.db, { provider });
  return rows[0] ?? null;
}

const readState = builtOnce((db, given: Given<{ provider: string }>) =>
  db
    .select()
    .from(providerStates)
    .where(eq(providerStates.provider, given("provider", providerStates.provider))),
);

/** The provider's row, locked until the end of the caller's transaction. */
export async function lockProviderState(tx: { db: Queries; clock: Clock }, provider: string): Promise<ProviderState> {
  const now = tx.clock.now();
  await tx.db.insert(providerStates).values({ provider, failures: 0, updatedAt: now }).onConflictDoNothing();
  const [state] = await tx.db
    .update(providerStates)
    .set({ updatedAt: now })
    .where(eq(providerStates.provider, provider))
    .returning();
  if (!state) throw new Error("the provider's row vanished inside a transaction");
  return state;
}
