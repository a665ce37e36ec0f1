import type { Context } from "../../../context.ts";
import { after, DAY_MS } from "../../../platform/clock.ts";
import { invariant, Refusal } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { moscowDate, moscowDayStart } from "../../../platform/moscow.ts";
import { recordChange } from "../../audit/index.ts";
import { grantCredits } from "../../billing/index.ts";
import { findUser } from "../../profile/index.ts";
import type { Order } from "../change.ts";
import { presentPerson } from "./card.ts";

/** Plan credits come with a subscription only. */
export const GRANTABLE_KINDS = ["gift", "pack", "referral"] as const;
export const GRANT_CREDITS_MAX = 100_000;

export interface GrantOrder extends Order {
  credits: number;
  kind: (typeof GRANTABLE_KINDS)[number];
  /** The last day on which they can be spent, in Moscow's calendar; undefined: they never end. */
  expiresOn: string | undefined;
}

/** Gives a person credits, as `atelier user grant` does. Returns what they can spend then. Runs in the caller's transaction. */
export async function grantByOperator(tx: Context, order: GrantOrder): Promise<{ credits: number; balance: number }> {
  const before = await presentPerson(tx, order.id);
  const expiresAt = order.expiresOn === undefined ? undefined : endOfDay(tx, order.expiresOn);
  const isGranted = await grantCredits(tx, {
    userId: before.id,
    kind: order.kind,
    credits: order.credits,
    source: `operator:${newId()}`,
    reason: order.reason,
    expiresAt,
  });
  invariant(isGranted, "a source that was made just now has granted nothing");
  const balance = (await findUser(tx, before.id))?.balanceCredits ?? 0;
  await recordChange(tx, {
    operatorId: order.operatorId,
    reason: order.reason,
    action: "person.grant",
    subject: "person",
    subjectId: before.id,
    personId: before.id,
    before: { balance: before.balanceCredits },
    after: { balance, credits: order.credits, kind: order.kind, expires_on: order.expiresOn ?? null },
  });
  return { credits: order.credits, balance };
}

/** The first moment behind a Moscow day, which must be today or later. */
function endOfDay(ctx: Pick<Context, "clock">, day: string): Date {
  const midday = new Date(`${day}T12:00:00Z`);
  const exists = midday.getTime() > 0 && midday.toISOString().startsWith(day);
  if (exists && day >= moscowDate(ctx.clock.now())) return after(moscowDayStart(midday), DAY_MS);
  throw new Refusal("validation_failed", {
    errors: [{ path: "/body/expires_on", message: "must be a day that exists, today or later" }],
  });
}
