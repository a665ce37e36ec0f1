import { desc, eq, isNotNull, ne } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { paymentNotices, payments } from "./payment-tables.ts";

/** When the payment provider was last heard of, for `doctor`. Null: never, as far as is remembered. */
export interface NoticeState {
  /** From an address of the provider's own. */
  lastNoticeAt: Date | null;
  /** From elsewhere; without TRUSTED_PROXIES, everything that comes through a proxy does. */
  lastForeignAt: Date | null;
  lastForeignAddress: string | null;
  /** When the latest order was found to be paid, by whatever way. */
  lastPaidAt: Date | null;
}

/** What `takeNotice` writes of a notice from an address outside the provider's list. */
export const FOREIGN_ADDRESS = "foreign_address";

export async function noticeState(ctx: Pick<Context, "db">): Promise<NoticeState> {
  const latest = (isForeign: boolean) =>
    ctx.db
      .select({ at: paymentNotices.createdAt, address: paymentNotices.address })
      .from(paymentNotices)
      .where((isForeign ? eq : ne)(paymentNotices.outcome, FOREIGN_ADDRESS))
      .orderBy(desc(paymentNotices.createdAt), desc(paymentNotices.id))
      .limit(1);
  const [notice] = await latest(false);
  const [foreign] = await latest(true);
  const [paid] = await ctx.db
    .select({ at: payments.succeededAt })
    .from(payments)
    .where(isNotNull(payments.succeededAt))
    .orderBy(desc(payments.succeededAt), desc(payments.id))
    .limit(1);
  return {
    lastNoticeAt: notice?.at ?? null,
    lastForeignAt: foreign?.at ?? null,
    lastForeignAddress: foreign?.address ?? null,
    lastPaidAt: paid?.at ?? null,
  };
}
