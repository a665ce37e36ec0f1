import { eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { lockProviderState, providerStateOf } from "../../../platform/limits/provider-states.ts";
import { providerStates } from "../../../platform/limits/tables.ts";
import { tellOwner } from "../../notifications/index.ts";

const DOWN = "payment_provider_down";
const BACK = "payment_provider_back";

/** From now on the owner hears of each outage of the payment provider once, and of its end, whatever process met it. */
export function watchPaymentProvider(ctx: Context): void {
  const provider = ctx.paymentProvider;
  if (provider === null) return;
  // One after the other, so that the end of an outage is not told before its beginning.
  let told = Promise.resolve();
  provider.onOutage((isOut) => {
    told = told
      .then(() => tellOfChange(ctx, provider.name, isOut))
      .catch((error: unknown) => ctx.log.warn("the owner could not be told of the payment provider", { isOut, error }));
  });
}

async function tellOfChange(ctx: Context, provider: string, isOut: boolean): Promise<void> {
  if (!isOut && (await providerStateOf(ctx, provider))?.toldReason !== DOWN) return;
  await ctx.transaction(async (tx) => {
    const { toldReason } = await lockProviderState(tx, provider);
    if ((toldReason === DOWN) === isOut) return;
    await tx.db
      .update(providerStates)
      .set({ toldReason: isOut ? DOWN : null })
      .where(eq(providerStates.provider, provider));
    await tellOwner(tx, { level: isOut ? "critical" : "warning", reason: isOut ? DOWN : BACK, details: { provider } });
  });
}
