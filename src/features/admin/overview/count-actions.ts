import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { creditGrants, creditHoldParts, creditHolds } from "../../billing/index.ts";
import { chatTurns } from "../../editing/index.ts";
import { type GENERATION_TYPES, generationAttempts, generations } from "../../generations/index.ts";
import { type DaySpan, within } from "../day-range.ts";
import type { actionFigures, PAID_BY } from "./overview-tables.ts";

type Reads = Pick<Context, "db">;
type PaidBy = (typeof PAID_BY)[number];
export type ActionCount = typeof actionFigures.$inferInsert;

/** What providers take. */
export interface Prices {
  /** For a thousand credits of kie.ai. */
  kieThousandKopecks: number;
  dollarKopecks: number;
  /** For a picture whose price kie.ai did not name. */
  pictureMillicredits: number;
  /** For a million tokens of an answer whose cost the provider did not name. */
  inputCents: number;
  outputCents: number;
}

export interface Counted {
  done: number;
  failed: number;
  cancelled: number;
  costKopecks: number;
  actions: ActionCount[];
}

const ACTION_OF: Record<(typeof GENERATION_TYPES)[number], string> = {
  fitting: "fitting",
  editing: "edit_generation",
};

const sum = (what: ReturnType<typeof sql>) => sql`coalesce(sum(${what}), 0)`.mapWith(Number);

/** Pictures that ended on the day. What failed ones cost is part of what those that were made cost. */
export async function pictureActions(ctx: Reads, span: DaySpan, prices: Prices): Promise<Counted> {
  const ended = await ctx.db
    .select({
      type: generations.type,
      status: generations.status,
      free: generations.freeAction,
      count: sql`count(*)`.mapWith(Number),
    })
    .from(generations)
    .where(within(generations.finishedAt, span))
    .groupBy(generations.type, generations.status, generations.freeAction);
  const costs = await pictureCosts(ctx, span, prices);
  const credits = await pictureCredits(ctx, span);
  const inStatus = (status: string) => total(ended.filter((row) => row.status === status).map((row) => row.count));
  const types = [...new Set(ended.map((row) => row.type))].sort();
  const actions = types.flatMap((type) => {
    const done = (free: boolean) =>
      total(
        ended
          .filter((row) => row.type === type && row.status === "succeeded" && row.free === free)
          .map((row) => row.count),
      );
    const cost = (free: boolean) =>
      total(costs.filter((row) => row.type === type && row.free === free).map((row) => row.kopecks));
    const used = credits.filter((row) => row.type === type);
    return actionRows(span.date, ACTION_OF[type], {
      free: { actions: done(true), cost: cost(true) },
      paid: { actions: done(false), cost: cost(false) },
      credits: used,
    });
  });
  return {
    done: inStatus("succeeded"),
    failed: inStatus("failed"),
    cancelled: inStatus("cancelled"),
    costKopecks: total(costs.map((row) => row.kopecks)),
    actions,
  };
}

async function pictureCosts(ctx: Reads, span: DaySpan, prices: Prices) {
  const named = sql`case when ${generationAttempts.costMillicredits} is not null then ${generationAttempts.costMillicredits} when ${generationAttempts.state} = 'succeeded' then ${prices.pictureMillicredits} else 0 end`;
  const rows = await ctx.db
    .select({ type: generations.type, free: generations.freeAction, millicredits: sum(named) })
    .from(generations)
    .innerJoin(generationAttempts, eq(generationAttempts.generationId, generations.id))
    .where(within(generations.finishedAt, span))
    .groupBy(generations.type, generations.freeAction);
  return rows.map(({ type, free, millicredits }) => ({
    type,
    free,
    kopecks: Math.round((millicredits * prices.kieThousandKopecks) / 1_000_000),
  }));
}

async function pictureCredits(ctx: Reads, span: DaySpan) {
  return ctx.db
    .select({ type: generations.type, kind: creditGrants.kind, credits: sum(sql`${creditHoldParts.credits}`) })
    .from(generations)
    .innerJoin(creditHoldParts, eq(creditHoldParts.holdId, generations.holdId))
    .innerJoin(creditGrants, eq(creditGrants.id, creditHoldParts.grantId))
    .where(and(within(generations.finishedAt, span), eq(generations.status, "succeeded")))
    .groupBy(generations.type, creditGrants.kind);
}

/** Answers of the assistant that ended on the day. */
export async function turnActions(ctx: Reads, span: DaySpan, prices: Prices): Promise<Counted> {
  const isFree = sql<boolean>`${creditHolds.freeMonth} is not null`.mapWith(Boolean);
  const unnamed = (tokens: typeof chatTurns.inputTokens) =>
    sum(sql`case when ${chatTurns.costMicrodollars} is null then ${tokens} else 0 end`);
  const rows = await ctx.db
    .select({
      state: chatTurns.state,
      free: isFree,
      count: sql`count(*)`.mapWith(Number),
      microdollars: sum(sql`${chatTurns.costMicrodollars}`),
      input: unnamed(chatTurns.inputTokens),
      output: unnamed(chatTurns.outputTokens),
    })
    .from(chatTurns)
    .innerJoin(creditHolds, eq(creditHolds.id, chatTurns.holdId))
    .where(within(chatTurns.finishedAt, span))
    .groupBy(chatTurns.state, isFree);
  const credits = await ctx.db
    .select({ kind: creditGrants.kind, credits: sum(sql`${creditHoldParts.credits}`) })
    .from(chatTurns)
    .innerJoin(creditHoldParts, eq(creditHoldParts.holdId, chatTurns.holdId))
    .innerJoin(creditGrants, eq(creditGrants.id, creditHoldParts.grantId))
    .where(and(within(chatTurns.finishedAt, span), eq(chatTurns.state, "succeeded")))
    .groupBy(creditGrants.kind);
  const kopecks = rows.map((row) => {
    // Cents for a million tokens are hundredths of a microdollar for one.
    const guessed = (row.input * prices.inputCents + row.output * prices.outputCents) / 100;
    return Math.round(((row.microdollars + guessed) * prices.dollarKopecks) / 1_000_000);
  });
  const part = (free: boolean) => ({
    actions: total(rows.filter((row) => row.free === free && row.state === "succeeded").map((row) => row.count)),
    cost: total(kopecks.filter((_, place) => rows[place]?.free === free)),
  });
  const inState = (state: string) => total(rows.filter((row) => row.state === state).map((row) => row.count));
  return {
    done: inState("succeeded"),
    failed: inState("failed"),
    cancelled: 0,
    costKopecks: total(kopecks),
    actions:
      rows.length === 0 ? [] : actionRows(span.date, "chat_turn", { free: part(true), paid: part(false), credits }),
  };
}

interface Parts {
  free: { actions: number; cost: number };
  paid: { actions: number; cost: number };
  credits: readonly { kind: string; credits: number }[];
}

/** One row for each kind of payment. Actions and cost of paid ones are shared out by the credits of each kind. */
function actionRows(date: string, action: string, { free, paid, credits }: Parts): ActionCount[] {
  const of = (paidBy: PaidBy) =>
    total(credits.filter((row) => paidByOf(row.kind) === paidBy).map((row) => row.credits));
  const kinds = (["plan", "pack", "given"] as const).map((paidBy) => ({ paidBy, credits: of(paidBy) }));
  const weights = kinds.map((kind) => kind.credits);
  // Nothing that was paid ended well, yet failed ones had their cost: somebody's credits were meant for them.
  const shares = total(weights) === 0 ? [0, 0, 1] : weights;
  const actions = sharedOut(paid.actions, shares);
  const costs = sharedOut(paid.cost, shares);
  const rows = kinds.map(({ paidBy, credits: used }, place) => ({
    date,
    action,
    paidBy: paidBy as PaidBy,
    actions: actions[place] ?? 0,
    credits: used,
    costKopecks: costs[place] ?? 0,
  }));
  const all = [
    ...rows,
    { date, action, paidBy: "free" as PaidBy, actions: free.actions, credits: 0, costKopecks: free.cost },
  ];
  return all.filter((row) => row.actions > 0 || row.credits > 0 || row.costKopecks > 0);
}

function paidByOf(kind: string): PaidBy {
  return kind === "plan" || kind === "pack" ? kind : "given";
}

/** A whole number in whole parts by weights; what rounding leaves goes to the first with a weight, so that the parts add up. */
export function sharedOut(amount: number, weights: readonly number[]): number[] {
  const all = total(weights);
  const parts = weights.map((weight) => Math.floor((amount * weight) / all));
  const first = weights.findIndex((weight) => weight > 0);
  parts[first] = (parts[first] ?? 0) + amount - total(parts);
  return parts;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
