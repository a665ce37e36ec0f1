import type { Database } from "../../src/platform/db/database.ts";
import type { YooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { CREDIT_SENTENCES, MONEY_SENTENCES } from "./book-sentences.ts";

/** The sentences of which the database has something to the contrary. */
async function contradictions(database: Database, proof: Readonly<Record<string, string>>): Promise<string[]> {
  const found: string[] = [];
  for (const [sentence, query] of Object.entries(proof)) {
    const rows = await database.raw(query);
    if (rows.length > 0) found.push(`${sentence}: not so for ${rows.length}`);
  }
  return found;
}

/** What contradicts the books of credits, in words. */
export function creditProof(database: Database): Promise<string[]> {
  return contradictions(database, CREDIT_SENTENCES);
}

/** What contradicts the books of money, and where they differ from the provider's own. */
export async function moneyProof(database: Database, shop: YooKassaEmulator): Promise<string[]> {
  const found = await contradictions(database, MONEY_SENTENCES);
  const [ours] = await database.raw(`
    select coalesce(sum(amount), 0) as paid, coalesce(sum(refunded_amount), 0) as refunded
    from payments where status = 'succeeded'`);
  const { payments, refunds } = shop.stats();
  const theirs = {
    paid: sumOf(payments.filter(({ status }) => status === "succeeded")),
    refunded: sumOf(refunds.filter(({ status }) => status === "succeeded")),
  };
  for (const what of ["paid", "refunded"] as const) {
    const here = Number(ours?.[what]);
    if (here !== theirs[what]) found.push(`${what}: ${here} kopecks here, ${theirs[what]} at the provider`);
  }
  return found;
}

/** In kopecks, of objects whose amount is written as YooKassa writes it: "149.00". */
function sumOf(objects: readonly Record<string, unknown>[]): number {
  const kopecks = objects.map(({ amount }) => Math.round(Number((amount as { value: string }).value) * 100));
  return kopecks.reduce((sum, one) => sum + one, 0);
}
