import { beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditEntries, creditGrants, creditHoldParts, creditHolds } from "../../src/features/billing/tables.ts";
import { users } from "../../src/features/profile/tables.ts";
import { newId } from "../../src/platform/ids.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { useMachinery } from "../support/machinery.ts";

const machinery = useMachinery();
const at = new Date("2026-11-18T09:00:00.000Z");
const userId = newId();

beforeEach(async () => {
  await machinery()
    .ctx.db.insert(users)
    .values({
      id: userId,
      telegramId: 2 ** 40,
      firstName: "Test",
      language: "ru",
      writeState: "unknown",
      notifyResults: true,
      notifyNews: true,
      balanceCredits: 5,
      reservedCredits: 2,
      freemiumMonth: "2026-11",
      freemiumActionsUsed: 0,
      assistantTokens: 0,
      createdAt: at,
      updatedAt: at,
    });
});

type Statement = () => PromiseLike<unknown>;

/** The statement must fail because of that very constraint, and leave nothing behind. */
async function refusedBy(constraint: string, statement: Statement): Promise<void> {
  const error = await Promise.resolve(statement()).then(
    () => new Error("the database accepted it"),
    (caught: unknown) => caught as Error,
  );
  const cause = error.cause instanceof Error ? error.cause : error;
  expect(cause.message).toContain(constraint);
}

const setUser = (values: Partial<typeof users.$inferInsert>) =>
  machinery().ctx.db.update(users).set(values).where(eq(users.id, userId));

const grant = (values: Partial<typeof creditGrants.$inferInsert> = {}) => ({
  id: newId(),
  userId,
  kind: "pack" as const,
  source: `payment:${newId()}`,
  credits: 10,
  creditsLeft: 10,
  createdAt: at,
  ...values,
});
const hold = (values: Partial<typeof creditHolds.$inferInsert> = {}) => ({
  id: newId(),
  userId,
  operation: `generation:${newId()}`,
  action: "fitting",
  state: "held" as const,
  credits: 2,
  freeReturned: false,
  createdAt: at,
  ...values,
});
const entry = (values: Partial<typeof creditEntries.$inferInsert> = {}) => ({
  id: newId(),
  userId,
  kind: "hold" as const,
  cause: newId(),
  action: "fitting",
  balanceDelta: -2,
  reservedDelta: 2,
  counterAccount: "none" as const,
  counterDelta: 0,
  freeActionDelta: 0,
  createdAt: at,
  ...values,
});
const insertEntry = (values: Partial<typeof creditEntries.$inferInsert>) =>
  machinery()
    .ctx.db.insert(creditEntries)
    .values(entry(values) as typeof creditEntries.$inferInsert);

describe("balances", () => {
  test("C1 can never be negative, in the database itself", async () => {
    await refusedBy("users_balance_not_negative", () => setUser({ balanceCredits: -1 }));
    await refusedBy("users_reserved_not_negative", () => setUser({ reservedCredits: -1 }));
    await refusedBy("users_freemium_not_negative", () => setUser({ freemiumActionsUsed: -1 }));
    const [row] = await machinery().ctx.db.select().from(users);
    expect(row).toMatchObject({ balanceCredits: 5, reservedCredits: 2, freemiumActionsUsed: 0 });
  });

  test("may be nothing at all", async () => {
    await setUser({ balanceCredits: 0, reservedCredits: 0 });
    expect(await machinery().ctx.db.$count(users, eq(users.balanceCredits, 0))).toBe(1);
  });

  test("of a telegram account stand once", async () => {
    const [row] = await machinery().ctx.db.select().from(users);
    await refusedBy("telegram_id", () =>
      machinery()
        .ctx.db.insert(users)
        .values({ ...(row as NonNullable<typeof row>), id: newId() }),
    );
  });
});

describe("ledger entries", () => {
  test("are refused when they do not come out even", async () => {
    await refusedBy("credit_entries_balanced", () => insertEntry({ balanceDelta: -3 }));
    await refusedBy("credit_entries_balanced", () => insertEntry({ reservedDelta: 0 }));
    await refusedBy("credit_entries_balanced", () => insertEntry({ counterDelta: 1 }));
    expect(await machinery().ctx.db.$count(creditEntries)).toBe(0);
    await insertEntry({});
    expect(await machinery().ctx.db.$count(creditEntries)).toBe(1);
  });

  test("stand once for each cause", async () => {
    await insertEntry({ cause: "hold:1" });
    await refusedBy("cause", () => insertEntry({ cause: "hold:1" }));
  });

  test("belong to somebody who exists", async () => {
    const error = await Promise.resolve(insertEntry({ userId: newId() })).catch((caught: unknown) => caught);
    expect(String((error as Error).cause)).toMatch(/foreign key/i);
  });
});

describe("grants and holds", () => {
  test("a grant never has more or less left than it can", async () => {
    const { db } = machinery().ctx;
    await refusedBy("credit_grants_bounds", () => db.insert(creditGrants).values(grant({ creditsLeft: 11 })));
    await refusedBy("credit_grants_bounds", () => db.insert(creditGrants).values(grant({ creditsLeft: -1 })));
    await refusedBy("credit_grants_bounds", () =>
      db.insert(creditGrants).values(grant({ credits: 0, creditsLeft: 0 })),
    );
    await db.insert(creditGrants).values(grant({ source: "payment:1" }));
    await refusedBy("source", () => db.insert(creditGrants).values(grant({ source: "payment:1" })));
  });

  test("a hold is of credits or of a free action, never of both or nothing, and open exactly until it ends", async () => {
    const { db } = machinery().ctx;
    const insert = (values: Partial<typeof creditHolds.$inferInsert>) => db.insert(creditHolds).values(hold(values));
    await refusedBy("credit_holds_payment", () => insert({ credits: 0 }));
    await refusedBy("credit_holds_payment", () => insert({ freeMonth: "2026-11" }));
    await refusedBy("credit_holds_payment", () => insert({ credits: -2 }));
    await refusedBy("credit_holds_end", () => insert({ endedAt: at }));
    await refusedBy("credit_holds_end", () => insert({ state: "settled" }));
    await insert({ operation: "generation:1" });
    await insert({ credits: 0, freeMonth: "2026-11", state: "released", endedAt: at });
    await refusedBy("operation", () => insert({ operation: "generation:1" }));
    const parts = { holdId: newId(), grantId: newId(), credits: 0 };
    await refusedBy("credit_hold_parts_positive", () => db.insert(creditHoldParts).values(parts));
  });
});

test("counts of a job are never negative", async () => {
  const { db } = machinery().ctx;
  const job = {
    id: newId(),
    kind: "k",
    payload: {},
    state: "ready" as const,
    priority: 1,
    turn: 0,
    runAt: at,
    claims: 0,
    failures: 0,
    createdAt: at,
    updatedAt: at,
  };
  await refusedBy("jobs_counts", () => db.insert(jobs).values({ ...job, failures: -1 }));
  await refusedBy("jobs_counts", () => db.insert(jobs).values({ ...job, claims: -1 }));
});
