import type { GrantKind } from "../../../src/features/billing/index.ts";
import { FREE_RETURNS_PER_DAY_MAX } from "../../../src/features/billing/index.ts";
import type { Action } from "../../../src/platform/config/catalogue.ts";
import { moscowDayStart, moscowMonth } from "../../../src/platform/moscow.ts";

/**
 * What the ledger must do, told without a database: one person's grants and holds as plain lists, by the rules of the
 * product rather than by the product's code. The property test compares the two after every step.
 */
export interface ModelGrant {
  kind: GrantKind;
  left: number;
  expiresAtMs: number | null;
}

export interface ModelHold {
  state: "held" | "settled" | "released";
  credits: number;
  freeMonth: string | null;
  freeReturnedAtMs: number | null;
  parts: { grant: ModelGrant; credits: number }[];
}

export class LedgerModel {
  now: Date;
  readonly grants: ModelGrant[] = [];
  readonly holds: ModelHold[] = [];
  private readonly prices: Readonly<Record<Action, number>>;
  private readonly freeActionsPerMonth: number;

  constructor(now: Date, prices: Readonly<Record<Action, number>>, freeActionsPerMonth: number) {
    this.now = now;
    this.prices = prices;
    this.freeActionsPerMonth = freeActionsPerMonth;
  }

  get balance(): number {
    return this.grants.reduce((sum, grant) => sum + grant.left, 0);
  }

  get reserved(): number {
    return this.holds.reduce((sum, hold) => sum + (hold.state === "held" ? hold.credits : 0), 0);
  }

  /** What a person is shown: nothing that is past its time. */
  get spendable(): number {
    return this.grants.filter((grant) => !this.isOver(grant)).reduce((sum, grant) => sum + grant.left, 0);
  }

  grant(grant: ModelGrant): void {
    this.grants.push(grant);
  }

  /** The hold, or null where the ledger must refuse and change nothing. */
  reserve(action: Action): ModelHold | null {
    const month = moscowMonth(this.now);
    const used = this.holds.filter((hold) => hold.freeMonth === month && hold.freeReturnedAtMs === null).length;
    const price = this.prices[action];
    if (used < this.freeActionsPerMonth) {
      this.expire();
      return this.hold({ credits: 0, freeMonth: month, parts: [] });
    }
    if (this.spendable < price) return null;
    this.expire();
    const parts: ModelHold["parts"] = [];
    let missing = price;
    for (const grant of this.payingOrder()) {
      const credits = Math.min(missing, grant.left);
      if (credits === 0) continue;
      grant.left -= credits;
      missing -= credits;
      parts.push({ grant, credits });
    }
    return this.hold({ credits: price, freeMonth: null, parts });
  }

  /** Whether this end is the one that counts. */
  settle(hold: ModelHold): boolean {
    if (hold.state !== "held") return false;
    hold.state = "settled";
    return true;
  }

  release(hold: ModelHold): boolean {
    if (hold.state !== "held") return false;
    hold.state = "released";
    for (const { grant, credits } of hold.parts) grant.left += credits;
    if (hold.freeMonth !== null && this.returnsToday() < FREE_RETURNS_PER_DAY_MAX) {
      hold.freeReturnedAtMs = this.now.getTime();
    }
    this.expire();
    return true;
  }

  expire(): void {
    for (const grant of this.grants) if (this.isOver(grant)) grant.left = 0;
  }

  private hold(hold: Pick<ModelHold, "credits" | "freeMonth" | "parts">): ModelHold {
    const made: ModelHold = { state: "held", freeReturnedAtMs: null, ...hold };
    this.holds.push(made);
    return made;
  }

  private returnsToday(): number {
    const dayStartMs = moscowDayStart(this.now).getTime();
    return this.holds.filter((hold) => (hold.freeReturnedAtMs ?? -1) >= dayStartMs).length;
  }

  private isOver(grant: ModelGrant): boolean {
    return grant.expiresAtMs !== null && grant.expiresAtMs <= this.now.getTime();
  }

  /** Plan credits, then the earliest expiry, then the oldest: `grants` stands in the order in which they came. */
  private payingOrder(): ModelGrant[] {
    const rank = (grant: ModelGrant) => [grant.kind === "plan" ? 0 : 1, grant.expiresAtMs ?? Number.POSITIVE_INFINITY];
    const indexed = this.grants.map((grant, index) => ({ grant, key: [...rank(grant), index] }));
    indexed.sort((a, b) => {
      const at = a.key.findIndex((part, index) => part !== b.key[index]);
      return at === -1 ? 0 : (a.key[at] ?? 0) < (b.key[at] ?? 0) ? -1 : 1;
    });
    return indexed.map(({ grant }) => grant);
  }
}
