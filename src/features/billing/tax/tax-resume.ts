import type { Context } from "../../../context.ts";
import { reopenDesks } from "./tax-desk.ts";
import { takeUpAgain } from "./tax-filing.ts";

/**
 * The owner has mended what stopped the connector: it tries again at its next run, also with what lay aside. Returns how many
 * entries that is. Nothing is sent blindly for it: an entry that may be registered is looked up first, as ever.
 */
export async function resumeTax(ctx: Pick<Context, "transaction">): Promise<number> {
  return ctx.transaction(async (tx) => {
    await reopenDesks(tx);
    return takeUpAgain(tx);
  });
}
