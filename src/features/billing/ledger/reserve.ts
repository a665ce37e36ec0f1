import type { Action } from "../../../platform/config/catalogue.ts";
import { type Given, givenRow, type WholeRow } from "../../../platform/db/built-once.ts";
import { laterWrite, type Write } from "../../../platform/db/write-together.ts";
import { invariant, Refusal } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { type News, writeAndPublish } from "../../../platform/live/events.ts";
import { moscowMonth, nextMoscowMonth } from "../../../platform/moscow.ts";
import { refuseErased } from "../../profile/index.ts";
import { offersFor, priceOf } from "../plans.ts";
import { creditHolds } from "../tables.ts";
import { countFreeAction, freeActionsOf } from "./free-actions.ts";
import { openPurse, type Purse, takeFromGrants } from "./grants.ts";
import type { Hold, LedgerNeeds } from "./ledger.ts";
import { planMove } from "./movement.ts";

/** A hold that is decided and not written yet. */
export interface PlannedHold {
  hold: Hold;
  writes: Write[];
  news: News;
}

/**
 * Sets aside what an action costs: a free action if one is left, otherwise credits (plan credits first, then the others;
 * within a kind the earliest expiry first), never a mixture. Throws the refusal `insufficient_credits` with everything
 * a person needs to decide. Must be called in the transaction that enqueues the operation.
 */
export async function reserve(tx: LedgerNeeds, userId: string, action: Action, operation: string): Promise<Hold> {
  const { hold, writes, news } = await planHold(tx, await purseFor(tx, userId, action), action, operation);
  await writeAndPublish(tx, userId, writes, [news]);
  return hold;
}

/** The person's purse as far as the action needs it; their row stays locked. Throws the refusal `not_found`. */
export async function purseFor(tx: LedgerNeeds, userId: string, action: Action): Promise<Purse> {
  return openPurse(tx, userId, positivePriceOf(tx, action));
}

function positivePriceOf(tx: LedgerNeeds, action: Action): number {
  const price = priceOf(tx.catalogue, action);
  invariant(Number.isSafeInteger(price) && price > 0, "a price is a positive whole number of credits");
  return price;
}

/** What `reserve` writes, for who writes more than that with it; the purse was opened in the same transaction. */
export async function planHold(
  tx: LedgerNeeds,
  { user, grants }: Purse,
  action: Action,
  operation: string,
): Promise<PlannedHold> {
  const now = tx.clock.now();
  const price = positivePriceOf(tx, action);
  refuseErased(user);
  const month = moscowMonth(now);
  const limit = tx.settings.FREE_ACTIONS_PER_MONTH;
  const used =
    user.freemiumMonth === month || limit === 0 ? user.freemiumActionsUsed : await freeActionsOf(tx, user, month);
  const isFree = limit > 0 && used < limit;
  if (!isFree && user.balanceCredits < price) {
    throw new Refusal("insufficient_credits", {
      required: price,
      available: user.balanceCredits,
      reserved: user.reservedCredits,
      free_actions_left: 0,
      renews_at: nextMoscowMonth(now).toISOString(),
      offers: offersFor(tx.catalogue, price - user.balanceCredits),
    });
  }
  const hold = {
    id: newId(),
    userId: user.id,
    operation,
    action,
    state: "held" as const,
    credits: isFree ? 0 : price,
    freeMonth: isFree ? month : null,
    freeReturned: false,
    createdAt: now,
    endedAt: null,
  };
  const paid = isFree
    ? [countFreeAction({ userId: user.id, month, used: used + 1 })]
    : takeFromGrants(grants, hold.id, price);
  const { writes, news } = planMove(tx, user, {
    kind: "hold",
    cause: `hold:${hold.id}`,
    action,
    balance: -hold.credits,
    reserved: hold.credits,
    counter: "none",
    freeAction: isFree ? -1 : 0,
    holdId: hold.id,
  });
  return { hold, writes: [insertHold(hold), ...paid, ...writes], news };
}

const insertHold = laterWrite((db, _: Given<WholeRow<typeof creditHolds>>) =>
  db.insert(creditHolds).values(givenRow(creditHolds)),
);
