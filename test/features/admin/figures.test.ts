import { beforeAll, describe, expect, test } from "bun:test";
import { asc, eq } from "drizzle-orm";
import { keepFigures, seed } from "../../../src/features/admin/index.ts";
import { actionFigures, dayFigures } from "../../../src/features/admin/overview/overview-tables.ts";
import { PICTURE_SECONDS, percentile } from "../../../src/features/admin/overview/picture-times.ts";
import { journalOf, monthReport, payments, taxOn, verifyLedger } from "../../../src/features/billing/index.ts";
import { generationAttempts, generations } from "../../../src/features/generations/index.ts";
import { ownerAlerts } from "../../../src/features/notifications/index.ts";
import { users } from "../../../src/features/profile/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { moscowDate } from "../../../src/platform/moscow.ts";
import { claim, complete } from "../../../src/platform/queue/claim.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { type Person, useTestApp } from "../../support/app.ts";
import { admin, OWNER_SETTING, OWNER_TELEGRAM_ID } from "../../support/operators.ts";

const DAYS = 40;
const KIE_THOUSAND = 50_000;

type Figures = Record<string, number | null>;
type Day = Figures & { date: string };
interface Overview {
  totals: Figures;
  previous: Figures;
  days: Day[];
}

const shared = useTestApp({ settings: { ...OWNER_SETTING, KIE_THOUSAND_CREDITS_KOPECKS: String(KIE_THOUSAND) } });
let owner: Person;

async function count(): Promise<void> {
  const { ctx, work } = shared();
  await ctx.transaction((tx) => enqueue(tx, "figures.count", {}));
  await work();
}
const overview = async (days = DAYS) => (await admin<Overview>(shared(), owner, `/overview?days=${days}`)).body;

beforeAll(async () => {
  const { ctx, signIn } = shared();
  await seed(ctx, { people: 60, payments: 150, generations: 500, turns: 0, days: DAYS - 2, seed: 7 });
  owner = await signIn({ telegramId: OWNER_TELEGRAM_ID });
  await count();
});

/** The figures of every day, added up from all rows that there are. */
async function bruteForce(): Promise<Map<string, Figures>> {
  const { db } = shared().ctx;
  const days = new Map<string, Figures>();
  const add = (moment: Date | null, name: string, amount = 1) => {
    if (moment === null) return;
    const day = days.get(moscowDate(moment)) ?? {};
    day[name] = Number(day[name] ?? 0) + amount;
    days.set(moscowDate(moment), day);
  };
  for (const user of await db.select().from(users)) add(user.createdAt, "new_people");
  const paid = (await db.select().from(payments)).filter((row) => row.status === "succeeded");
  const firstDays = new Map<string, string>();
  const buyers = new Set<string>();
  for (const row of paid.toSorted((a, b) => Number(a.succeededAt) - Number(b.succeededAt))) {
    const rest = row.amountKopecks - row.refundedKopecks;
    add(row.succeededAt, "paid_kopecks", row.amountKopecks);
    add(row.succeededAt, "revenue_kopecks", rest);
    add(row.succeededAt, "tax_kopecks", taxOn(rest));
    add(row.succeededAt, "commission_kopecks", row.commissionKopecks);
    add(row.succeededAt, "sales", rest > 0 ? 1 : 0);
    const date = moscowDate(row.succeededAt ?? new Date(0));
    if (!buyers.has(`${date} ${row.userId}`)) add(row.succeededAt, "buyers");
    buyers.add(`${date} ${row.userId}`);
    if (!firstDays.has(row.userId)) add(row.succeededAt, "first_buyers");
    firstDays.set(row.userId, date);
  }
  const actives = new Set<string>();
  const names = { succeeded: "pictures", failed: "pictures_failed", cancelled: "pictures_cancelled" } as const;
  const pictures = await db.select().from(generations);
  for (const row of pictures) {
    add(row.finishedAt, names[row.status as keyof typeof names]);
    const active = `${moscowDate(row.createdAt)} ${row.userId}`;
    if (!actives.has(active)) add(row.createdAt, "actives");
    actives.add(active);
  }
  const endOf = new Map(pictures.map((row) => [row.id, row.finishedAt]));
  for (const attempt of await db.select().from(generationAttempts)) {
    add(endOf.get(attempt.generationId) ?? null, "millicredits", attempt.costMillicredits ?? 0);
  }
  return days;
}

const NAMES = [
  "new_people",
  "actives",
  "buyers",
  "first_buyers",
  "sales",
  "paid_kopecks",
  "revenue_kopecks",
  "tax_kopecks",
  "commission_kopecks",
  "pictures",
  "pictures_failed",
  "pictures_cancelled",
];

async function expectAllDays(): Promise<void> {
  const truth = await bruteForce();
  const { days } = await overview();
  expect(days).toHaveLength(DAYS);
  for (const day of days) {
    const own = truth.get(day.date) ?? {};
    const shown = Object.fromEntries(NAMES.map((name) => [name, day[name] ?? null]));
    expect([day.date, shown]).toEqual([day.date, Object.fromEntries(NAMES.map((name) => [name, own[name] ?? 0]))]);
    const cost = (Number(own.millicredits ?? 0) * KIE_THOUSAND) / 1_000_000;
    // Each kind of picture is rounded by itself.
    expect(Math.abs(Number(day.provider_cost_kopecks) - cost)).toBeLessThanOrEqual(2);
    expect(day.margin_kopecks).toBe(Number(day.net_kopecks) - Number(day.provider_cost_kopecks));
  }
}

describe("the figures of days", () => {
  test("stand on a ledger that adds up", async () => {
    expect((await verifyLedger(shared().ctx)).differences).toEqual([]);
  });

  test("are what adding up all rows gives, day by day in Moscow's calendar", async () => {
    await expectAllDays();
  });

  test("add up to the totals, and percentiles come from all times together", async () => {
    const { totals, days } = await overview();
    for (const name of NAMES.filter((one) => one !== "actives")) {
      expect([name, totals[name]]).toEqual([name, days.reduce((sum, day) => sum + Number(day[name]), 0)]);
    }
    const rows = await shared().ctx.db.select().from(generations);
    const seconds = rows
      .filter((row) => row.status === "succeeded")
      .map((row) => (Number(row.finishedAt) - Number(row.createdAt)) / 1000)
      .toSorted((a, b) => a - b);
    for (const [share, shown] of [
      [0.5, totals.seconds_p50],
      [0.95, totals.seconds_p95],
    ] as const) {
      const exact = seconds[Math.ceil(seconds.length * share) - 1] ?? 0;
      expect(shown ?? 0).toBe(PICTURE_SECONDS.find((longest) => exact <= longest) ?? 0);
    }
  });

  test("stay the same however often they are counted", async () => {
    const stored = async () =>
      (await shared().ctx.db.select().from(dayFigures).orderBy(asc(dayFigures.date))).map((row) => ({
        ...row,
        computedAt: null,
      }));
    const before = await stored();
    await count();
    await count();
    expect(await stored()).toEqual(before);
  });

  test("change on the day of a payment that is given back much later, on no other, and at that day's prices", async () => {
    const { ctx, clock } = shared();
    const [old] = (
      await ctx.db.select().from(payments).where(eq(payments.status, "succeeded")).orderBy(asc(payments.succeededAt))
    ).filter((row) => row.refundedKopecks === 0);
    if (!old?.succeededAt) throw new Error("there is an old payment");
    const before = await ctx.db.select().from(dayFigures).orderBy(asc(dayFigures.date));
    clock.advance(5 * 60_000);
    const half = Math.floor(old.amountKopecks / 2);
    await ctx.db
      .update(payments)
      .set({ refundedKopecks: half, taxKopecks: taxOn(old.amountKopecks - half), updatedAt: clock.now() })
      .where(eq(payments.id, old.id));
    const dear = { ...ctx, settings: { ...ctx.settings, KIE_THOUSAND_CREDITS_KOPECKS: KIE_THOUSAND * 10 } };
    await runJob(dear, keepFigures);
    const after = await ctx.db.select().from(dayFigures).orderBy(asc(dayFigures.date));
    const today = moscowDate(clock.now());
    const changed = after.filter(
      (row, place) => JSON.stringify({ ...row, computedAt: 0 }) !== JSON.stringify({ ...before[place], computedAt: 0 }),
    );
    const dates = changed.map((row) => row.date).filter((date) => date !== today);
    expect(dates).toEqual([moscowDate(old.succeededAt)]);
    expect(changed[0]?.kieThousandKopecks).toBe(KIE_THOUSAND);
    // Today is counted at the prices of now.
    await count();
    await expectAllDays();
  });

  test("add up to the tax journal's month", async () => {
    const { ctx, clock } = shared();
    // The journal of made-up sales is replaced by hand here, so only months without such a change are compared.
    const month = moscowDate(clock.now()).slice(0, 7);
    const report = monthReport(month, await journalOf(ctx, month));
    const { body } = await admin<{ sums: Record<string, number> }>(shared(), owner, `/tax?month=${month}`);
    expect(body.sums).toEqual({
      sales: report.sales,
      paid_kopecks: report.paid_kopecks,
      refunded_kopecks: report.refunded_kopecks,
      base_kopecks: report.base_kopecks,
      tax_kopecks: report.tax_estimate_kopecks,
      commission_kopecks: report.commission_kopecks,
      commission_forecast_kopecks: report.commission_forecast_kopecks,
      net_kopecks: report.net_kopecks,
    });
    expect(report.sales).toBeGreaterThan(0);
  });

  test("tell what actions cost and what products leave, and warn once of one that costs more than it brings", async () => {
    const { ctx, work } = shared();
    interface Economy {
      credit_cost_kopecks: number;
      free_cost_kopecks: number;
      actions: {
        action: string;
        actions: number;
        cost_kopecks: number;
        paid_by: { actions: number; cost_kopecks: number }[];
      }[];
      products: {
        product: string;
        sales: number;
        net_kopecks: number;
        margin_kopecks: number | null;
        negative: boolean;
      }[];
    }
    const economy = async () => (await admin<Economy>(shared(), owner, `/overview/economy?days=${DAYS}`)).body;
    const { actions, products, ...rest } = await economy();
    const { totals } = await overview();
    const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
    expect(sum(actions.map((row) => row.cost_kopecks))).toBe(Number(totals.provider_cost_kopecks));
    expect(sum(actions.map((row) => row.actions))).toBe(Number(totals.pictures));
    for (const row of actions) {
      expect(sum(row.paid_by.map((part) => part.actions))).toBe(row.actions);
      expect(sum(row.paid_by.map((part) => part.cost_kopecks))).toBe(row.cost_kopecks);
    }
    expect(sum(products.map((row) => row.net_kopecks))).toBe(Number(totals.net_kopecks));
    expect(rest.credit_cost_kopecks).toBeGreaterThan(0);
    expect(rest.free_cost_kopecks).toBeGreaterThan(0);
    expect(products.some((row) => row.negative)).toBe(false);

    const watch = async () => {
      await ctx.transaction((tx) => enqueue(tx, "economy.watch", {}));
      await work();
      return (await ctx.db.select().from(ownerAlerts)).filter((alert) => alert.reason === "product_negative");
    };
    expect(await watch()).toEqual([]);
    await ctx.db.update(actionFigures).set({ costKopecks: 900_000 });
    const told = await watch();
    expect(told.length).toBeGreaterThan(0);
    expect((await economy()).products.filter((row) => row.negative).length).toBe(told.length);
    expect(await watch()).toHaveLength(told.length);
  });
});

test("a percentile is never less than the truth, and null of nothing", () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([0, 0, 1], 0.95)).toBe(15);
});

async function runJob(ctx: ReturnType<typeof shared>["ctx"], handler: typeof keepFigures): Promise<void> {
  await ctx.transaction((tx) => enqueue(tx, "figures.count", {}));
  const [job] = await claim(ctx, newId(), ["figures.count"], 1);
  if (!job) throw new Error("the job is there");
  expect(await handler(ctx, job)).toEqual({ kind: "done" });
  await complete(ctx, [job.id], [job.lease]);
}
