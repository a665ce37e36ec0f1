import { and, asc, eq, gt, or, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS } from "../../../platform/clock.ts";
import { payments } from "../../billing/index.ts";
import { chatTurns } from "../../editing/index.ts";
import { generations } from "../../generations/index.ts";
import { users } from "../../profile/index.ts";
import { type DaySpan, dayStart, within } from "../day-range.ts";
import { type ActionCount, type Prices, pictureActions, turnActions } from "./count-actions.ts";
import type { dayFigures, productFigures } from "./overview-tables.ts";
import { countTime, noTimes } from "./picture-times.ts";

/** Times read at once. */
const TIMES_PAGE_SIZE = 10_000;

type Reads = Pick<Context, "db">;

/** Everything that is known of a day. */
export interface CountedDay {
  figures: Omit<typeof dayFigures.$inferInsert, "computedAt">;
  products: (typeof productFigures.$inferInsert)[];
  actions: ActionCount[];
}

/** Counts a day from its rows, by indexes on their moments. Counting again gives the same as long as nothing changed. */
export async function countDay(ctx: Reads, date: string, prices: Prices): Promise<CountedDay> {
  const from = dayStart(date, "date");
  const span = { date, from, to: after(from, DAY_MS) };
  const products = await countProducts(ctx, span);
  const pictures = await pictureActions(ctx, span, prices);
  const turns = await turnActions(ctx, span, prices);
  const sum = (column: "paidKopecks" | "baseKopecks" | "taxKopecks" | "commissionKopecks" | "sales") =>
    products.reduce((total, product) => total + product[column], 0);
  return {
    figures: {
      date,
      newPeople: await ctx.db.$count(users, within(users.createdAt, span)),
      actives: await countActives(ctx, span),
      ...(await countBuyers(ctx, span)),
      sales: sum("sales"),
      paidKopecks: sum("paidKopecks"),
      baseKopecks: sum("baseKopecks"),
      taxKopecks: sum("taxKopecks"),
      commissionKopecks: sum("commissionKopecks"),
      pictures: pictures.done,
      picturesFailed: pictures.failed,
      picturesCancelled: pictures.cancelled,
      turns: turns.done,
      turnsFailed: turns.failed,
      pictureCostKopecks: pictures.costKopecks,
      turnCostKopecks: turns.costKopecks,
      kieThousandKopecks: prices.kieThousandKopecks,
      dollarKopecks: prices.dollarKopecks,
      pictureTimes: await countTimes(ctx, span),
    },
    products,
    actions: [...pictures.actions, ...turns.actions],
  };
}

/** Whoever ordered a picture or asked the assistant, once each. */
async function countActives({ db }: Reads, span: DaySpan): Promise<number> {
  const active = db
    .select({ userId: generations.userId })
    .from(generations)
    .where(within(generations.createdAt, span))
    .union(db.select({ userId: chatTurns.userId }).from(chatTurns).where(within(chatTurns.createdAt, span)))
    .as("active");
  const [row] = await db.select({ people: sql`count(*)`.mapWith(Number) }).from(active);
  return row?.people ?? 0;
}

const isPaid = (span: DaySpan) => and(eq(payments.status, "succeeded"), within(payments.succeededAt, span));

/** Sales of the day by product, less what was given back of them until now. */
async function countProducts({ db }: Reads, span: DaySpan) {
  const sum = (what: ReturnType<typeof sql>) => sql`coalesce(sum(${what}), 0)`.mapWith(Number);
  const rest = sql`(${payments.amountKopecks} - ${payments.refundedKopecks})`;
  const rows = await db
    .select({
      product: payments.product,
      sales: sum(sql`case when ${rest} > 0 then 1 else 0 end`),
      credits: sum(sql`${payments.credits} * ${rest} / ${payments.amountKopecks}`),
      paidKopecks: sum(sql`${payments.amountKopecks}`),
      baseKopecks: sum(rest),
      taxKopecks: sum(sql`${payments.taxKopecks}`),
      commissionKopecks: sum(sql`${payments.commissionKopecks}`),
    })
    .from(payments)
    .where(isPaid(span))
    .groupBy(payments.product)
    .orderBy(asc(payments.product));
  return rows.map((row) => ({ date: span.date, ...row }));
}

async function countBuyers({ db }: Reads, span: DaySpan) {
  const start = sql.param(span.from, payments.succeededAt);
  const isFirst = sql`not exists (select 1 from ${payments} as earlier where earlier.user_id = ${payments.userId} and earlier.status = 'succeeded' and earlier.succeeded_at < ${start})`;
  const rest = sql`${payments.amountKopecks} - ${payments.refundedKopecks}`;
  const number = (what: ReturnType<typeof sql>) => what.mapWith(Number);
  const [row] = await db
    .select({
      buyers: number(sql`count(distinct ${payments.userId})`),
      firstBuyers: number(sql`count(distinct case when ${isFirst} then ${payments.userId} end)`),
      testKopecks: number(sql`coalesce(sum(case when ${payments.isTest} then ${rest} else 0 end), 0)`),
      commissionForecastKopecks: number(
        sql`coalesce(sum(case when ${payments.commissionIsReal} then 0 else ${payments.commissionKopecks} end), 0)`,
      ),
    })
    .from(payments)
    .where(isPaid(span));
  return row ?? { buyers: 0, firstBuyers: 0, testKopecks: 0, commissionForecastKopecks: 0 };
}

/** The pictures of the day by the time that they took. Two moments a row, a page at a time. */
async function countTimes({ db }: Reads, span: DaySpan): Promise<number[]> {
  const times = noTimes();
  let last: { at: Date; id: string } | null = null;
  for (;;) {
    const from: DaySpan = last === null ? span : { ...span, from: last.at };
    const rows: { id: string; orderedAt: Date; at: Date | null }[] = await db
      .select({ id: generations.id, orderedAt: generations.createdAt, at: generations.finishedAt })
      .from(generations)
      .where(
        and(
          sql`${generations.status} = 'succeeded'`,
          within(generations.finishedAt, from),
          last === null
            ? undefined
            : or(
                gt(generations.finishedAt, last.at),
                and(eq(generations.finishedAt, last.at), gt(generations.id, last.id)),
              ),
        ),
      )
      .orderBy(asc(generations.finishedAt), asc(generations.id))
      .limit(TIMES_PAGE_SIZE);
    for (const { orderedAt, at } of rows) if (at) countTime(times, (at.getTime() - orderedAt.getTime()) / 1000);
    const end = rows.at(-1);
    if (rows.length < TIMES_PAGE_SIZE || !end?.at) return times;
    last = { at: end.at, id: end.id };
  }
}
