import { moscowMonth } from "../../../platform/moscow.ts";
import type { Maker, Pack, Rows } from "./made-up-rows.ts";

export interface MadeUpAction {
  userId: string;
  /** What is paid for, such as `generation:<id>`. */
  operation: string;
  action: string;
  price: number;
  createdAt: Date;
  finishedAt: Date;
  /** Whether it came to a good end, so that what was held is spent. */
  isMade: boolean;
}

export interface MadeUpHold {
  holdId: string;
  /** 0 where a free action paid. */
  credits: number;
  isFree: boolean;
  /** The month whose free action was used up; null where credits paid, or the action came back. */
  usedMonth: string | null;
}

/** What the ledger writes down for an action that has ended: a hold with the entries of its beginning and its end. */
export function makeHold(rows: Rows, { idAt }: Maker, asked: MadeUpAction, packs: Pack[]): MadeUpHold {
  const { userId, operation, action, price, createdAt, finishedAt, isMade } = asked;
  const pack = packs.find((one) => one.paidAt <= createdAt && one.left >= price);
  const credits = pack ? price : 0;
  const holdId = idAt(createdAt);
  const freeMonth = pack ? null : moscowMonth(createdAt);
  const base = { userId, action, holdId, grantId: null };
  rows.creditHolds.push({
    id: holdId,
    userId,
    operation,
    action,
    state: isMade ? "settled" : "released",
    credits,
    freeMonth,
    freeReturned: !pack && !isMade,
    createdAt,
    endedAt: finishedAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(createdAt),
    kind: "hold",
    cause: `hold:${holdId}`,
    balanceDelta: -credits,
    reservedDelta: credits,
    counterAccount: "none",
    counterDelta: 0,
    freeActionDelta: pack ? 0 : -1,
    createdAt,
  });
  rows.creditEntries.push({
    ...base,
    id: idAt(finishedAt),
    kind: isMade ? "settle" : "release",
    cause: `hold:${holdId}:end`,
    balanceDelta: isMade ? 0 : credits,
    reservedDelta: -credits,
    counterAccount: isMade ? "spent" : "none",
    counterDelta: isMade ? credits : 0,
    freeActionDelta: pack || isMade ? 0 : 1,
    createdAt: finishedAt,
  });
  if (pack) {
    rows.creditHoldParts.push({ holdId, grantId: pack.grantId, credits });
    if (isMade) pack.left -= credits;
  }
  return { holdId, credits, isFree: !pack, usedMonth: isMade ? freeMonth : null };
}
