import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import {
  balanceOf,
  expireCredits,
  GRANT_KINDS,
  type GrantKind,
  verifyLedger,
} from "../../../src/features/billing/index.ts";
import { findUser } from "../../../src/features/profile/index.ts";
import { after, DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import { ACTIONS, type Action } from "../../../src/platform/config/catalogue.ts";
import { Refusal } from "../../../src/platform/errors.ts";
import { startTestApp } from "../../support/app.ts";
import { lane } from "../../support/database.ts";
import { LedgerModel, type ModelHold } from "./ledger-model.ts";
import { expectSound, give, hold, makePerson, numbersOf, releaseHold, settleHold } from "./ledger-tools.ts";

/**
 * Random histories of one person. After every step the database must say what the model says, and the sums must hold.
 * A failure prints the seed and the shortest history that still fails.
 */
const FREE_ACTIONS_PER_MONTH = 2;
const HISTORIES = lane === "sqlite" ? 80 : 25;
const STEPS_MAX = 40;
const START = new Date("2026-11-28T09:00:00Z");

const product = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: String(FREE_ACTIONS_PER_MONTH) } });
const { clock } = product;

interface Real {
  userId: string;
  holds: Map<ModelHold, string>;
}
type Step = fc.AsyncCommand<LedgerModel, Real>;

async function expectEqual(model: LedgerModel, real: Real): Promise<void> {
  const { userId } = real;
  expect(await numbersOf(product, userId)).toMatchObject({ balance: model.balance, reserved: model.reserved });
  const rows = await product.open.database.raw(
    sql`select credits_left from credit_grants where user_id = ${userId} order by id`,
  );
  expect(rows.map((row) => Number(row.credits_left))).toEqual(model.grants.map((grant) => grant.left));
  const user = await findUser(product.ctx, userId);
  if (!user) throw new Error("the person is there");
  const shown = await balanceOf(product.ctx, user);
  expect([shown.credits, shown.reserved]).toEqual([model.spendable, model.reserved]);
  await expectSound(product, userId);
}

class GrantStep implements Step {
  readonly kind: GrantKind;
  readonly credits: number;
  readonly lastsMs: number | null;

  constructor(kind: GrantKind, credits: number, lastsMs: number | null) {
    this.kind = kind;
    this.credits = credits;
    this.lastsMs = lastsMs;
  }

  check = () => true;

  async run(model: LedgerModel, real: Real): Promise<void> {
    const expiresAt = this.lastsMs === null ? undefined : after(clock.now(), this.lastsMs);
    const more = { kind: this.kind, ...(expiresAt ? { expiresAt } : {}) };
    expect(await give(product, real.userId, this.credits, more)).toBe(true);
    model.grant({ kind: this.kind, left: this.credits, expiresAtMs: expiresAt?.getTime() ?? null });
    await expectEqual(model, real);
  }

  toString = () => `grant ${this.credits} ${this.kind}, for ${this.lastsMs === null ? "ever" : `${this.lastsMs} ms`}`;
}

class ReserveStep implements Step {
  readonly action: Action;

  constructor(action: Action) {
    this.action = action;
  }

  check = () => true;

  async run(model: LedgerModel, real: Real): Promise<void> {
    const expected = model.reserve(this.action);
    const made = await hold(product, real.userId, this.action).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === "insufficient_credits") return error;
      throw error;
    });
    if (made instanceof Refusal) {
      expect(expected).toBeNull();
      expect(made.details).toMatchObject({ available: model.spendable, reserved: model.reserved });
    } else {
      expect([made.credits, made.freeMonth]).toEqual([expected?.credits ?? -1, expected?.freeMonth ?? null]);
      if (expected) real.holds.set(expected, made.id);
    }
    await expectEqual(model, real);
  }

  toString = () => `reserve ${this.action}`;
}

/** Ends one of all holds so far, also one that has ended before. */
class EndStep implements Step {
  readonly end: "settle" | "release";
  readonly which: number;

  constructor(end: "settle" | "release", which: number) {
    this.end = end;
    this.which = which;
  }

  check = (model: Readonly<LedgerModel>) => model.holds.length > 0;

  async run(model: LedgerModel, real: Real): Promise<void> {
    const chosen = model.holds[this.which % model.holds.length];
    if (!chosen) throw new Error("there is a hold");
    const id = real.holds.get(chosen) ?? "";
    const ended = await (this.end === "settle" ? settleHold(product, { id }) : releaseHold(product, { id }));
    expect(ended).toBe(model[this.end](chosen));
    await expectEqual(model, real);
  }

  toString = () => `${this.end} hold ${this.which}`;
}

class SweepStep implements Step {
  check = () => true;

  async run(model: LedgerModel, real: Real): Promise<void> {
    await expireCredits(product.ctx, 1_000);
    model.expire();
    await expectEqual(model, real);
  }

  toString = () => "expire";
}

class MoveClockStep implements Step {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }

  check = () => true;

  async run(model: LedgerModel, real: Real): Promise<void> {
    clock.advance(this.ms);
    model.now = clock.now();
    await expectEqual(model, real);
  }

  toString = () => `clock ${this.ms > 0 ? "+" : ""}${this.ms} ms`;
}

const grantStep = fc
  .record({
    kind: fc.constantFrom(...GRANT_KINDS),
    credits: fc.integer({ min: 1, max: 5 }),
    lastsMs: fc.constantFrom(null, null, MINUTE_MS, HOUR_MS, DAY_MS, 3 * DAY_MS),
  })
  .map(({ kind, credits, lastsMs }) => new GrantStep(kind, credits, lastsMs));
const reserveStep = fc.constantFrom(...ACTIONS).map((action) => new ReserveStep(action));
const endStep = fc
  .tuple(fc.constantFrom("settle" as const, "release" as const), fc.nat({ max: 30 }))
  .map(([end, which]) => new EndStep(end, which));
/** Also backwards, as a machine's clock that is set right does. */
const moveClockStep = fc
  .constantFrom(MINUTE_MS, HOUR_MS, DAY_MS, 3 * DAY_MS, -HOUR_MS)
  .map((ms) => new MoveClockStep(ms));
const sweepStep = fc.constant(null).map(() => new SweepStep());

test(
  "C3 C4 C8 whatever happens in whatever order, the ledger does what its model does and every sum holds",
  async () => {
    const histories = fc.commands([grantStep, reserveStep, reserveStep, endStep, endStep, moveClockStep, sweepStep], {
      maxCommands: STEPS_MAX,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        clock.set(START);
        const userId = await makePerson(product);
        const setup = () => ({
          model: new LedgerModel(clock.now(), product.ctx.catalogue.actions, FREE_ACTIONS_PER_MONTH),
          real: { userId, holds: new Map() },
        });
        await fc.asyncModelRun(setup, history);
      }),
      { numRuns: HISTORIES },
    );
    expect((await verifyLedger(product.ctx)).differences).toEqual([]);
  },
  { timeout: 120_000 },
);
