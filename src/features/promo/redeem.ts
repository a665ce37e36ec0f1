import { and, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invariant, Refusal } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { grantCredits, grantPlanDays } from "../billing/index.ts";
import { type MessageContent, notify } from "../notifications/index.ts";
import { isSold, normalCode, type PromoCode, promoStateOf } from "./codes.ts";
import { promoCodes, promoUses } from "./tables.ts";

/**
 * Uses a code for a person: once each, and by no more people than the code is for. Both are decided by statements that
 * the database lets through one at a time, never by a count that was read before. Throws `promo_unknown`, `promo_used`,
 * `promo_expired` (also for a stopped one) and `promo_exhausted`; then nothing has changed.
 */
export async function redeemPromoCode(ctx: Context, order: { userId: string; code: string }): Promise<PromoCode> {
  const text = normalCode(order.code);
  return ctx.transaction(async (tx) => {
    const [code] = text === null ? [] : await tx.db.select().from(promoCodes).where(eq(promoCodes.code, text));
    if (!code) throw new Refusal("promo_unknown");
    await writeUse(tx, code, order.userId);
    await countUse(tx, code);
    await apply(tx, code, order.userId);
    return code;
  });
}

async function writeUse(tx: Context, code: PromoCode, userId: string): Promise<void> {
  const used = await tx.db
    .insert(promoUses)
    .values({ id: newId(), codeId: code.id, userId, createdAt: tx.clock.now() })
    .onConflictDoNothing()
    .returning({ id: promoUses.id });
  if (used.length === 0) throw new Refusal("promo_used");
}

/** Takes one of the code's uses, or says why there is none; the refusal takes the person's use back with it. */
async function countUse(tx: Context, code: PromoCode): Promise<void> {
  const now = tx.clock.now();
  const counted = await tx.db
    .update(promoCodes)
    .set({ uses: sql`${promoCodes.uses} + 1` })
    .where(
      and(
        eq(promoCodes.id, code.id),
        isNull(promoCodes.stoppedAt),
        or(isNull(promoCodes.expiresAt), gt(promoCodes.expiresAt, now)),
        lt(promoCodes.uses, promoCodes.usesMax),
      ),
    )
    .returning({ id: promoCodes.id });
  if (counted.length > 0) return;
  const [current] = await tx.db.select().from(promoCodes).where(eq(promoCodes.id, code.id));
  invariant(current, "a code that was found stays");
  throw new Refusal(promoStateOf(current, now) === "exhausted" ? "promo_exhausted" : "promo_expired");
}

async function apply(tx: Context, code: PromoCode, userId: string): Promise<void> {
  const source = `promo:${code.id}:${userId}`;
  const isNew =
    code.credits === null
      ? await givePlanDays(tx, code, userId, source)
      : await grantCredits(tx, { userId, kind: "gift", credits: code.credits, source });
  invariant(isNew, "a use that was just written has granted nothing");
  await notify(tx, { userId, message: messageOf(code), about: source });
}

function messageOf({ credits, days, plan }: PromoCode): MessageContent {
  if (credits !== null) return { key: "promo_credits", parameters: { credits } };
  invariant(plan !== null && days !== null, "a code gives credits or days of a plan");
  return { key: "promo_plan", parameters: { days, plan } };
}

/** A code for a plan that the catalogue no longer has is over, like a stopped one. */
async function givePlanDays(tx: Context, code: PromoCode, userId: string, source: string): Promise<boolean> {
  const { plan, days } = code;
  invariant(plan !== null && days !== null, "a code gives credits or days of a plan");
  if (!isSold(tx, plan)) throw new Refusal("promo_expired");
  return grantPlanDays(tx, { userId, type: plan, days, source });
}
