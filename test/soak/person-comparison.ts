import { and, asc, eq, isNull, ne, or } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { payments, planOrders, refunds } from "../../src/features/billing/index.ts";
import { chatTurns } from "../../src/features/editing/tables.ts";
import { generations } from "../../src/features/generations/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { promoUses } from "../../src/features/promo/tables.ts";
import { referrals } from "../../src/features/referrals/tables.ts";
import { liveEvents, liveSequences } from "../../src/platform/live/tables.ts";
import { acknowledged, type OrderKind, unanswered } from "./book.ts";
import type { Resident } from "./resident.ts";

/** Where a person's own book and the product's differ. */
export async function personDifferences(ctx: Context, resident: Resident): Promise<string[]> {
  const { book, id } = resident;
  const found = keyDifferences(resident);
  const [row] = await ctx.db.select().from(users).where(eq(users.id, id));
  if (row === undefined) return [...found, "does not exist"];
  if (book.erased === "yes" && row.erasedAt === null) found.push("was told to be erased and is not");
  if (book.erased === "no" && row.erasedAt !== null) found.push("was erased and never asked for it");
  found.push(...compare(resident, "generation", await generationsOf(ctx, id)));
  found.push(...compare(resident, "payment", await ordersOf(ctx, id)));
  if (row.erasedAt !== null) return found;
  found.push(...(await turnDifferences(ctx, resident)), ...(await statusDifferences(ctx, resident)));
  found.push(...(await eventDifferences(ctx, resident)), ...(await giftDifferences(ctx, resident)));
  return found;
}

/** One key, one effect. */
function keyDifferences({ book }: Resident): string[] {
  return book.orders
    .filter(({ ids }) => ids.size > 1)
    .map(({ kind, key, ids }) => `the key ${key} made several (${kind}): ${[...ids].join(", ")}`);
}

const generationsOf = async (ctx: Context, userId: string) =>
  (await ctx.db.select({ id: generations.id }).from(generations).where(eq(generations.userId, userId))).map(
    ({ id }) => id,
  );

/** Without the renewals, which the product orders by itself. */
async function ordersOf(ctx: Context, userId: string): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: payments.id })
    .from(payments)
    .leftJoin(planOrders, eq(planOrders.paymentId, payments.id))
    .where(and(eq(payments.userId, userId), or(isNull(planOrders.purpose), ne(planOrders.purpose, "renewal"))));
  return rows.map(({ id }) => id);
}

/** Everything acknowledged is there, and nothing is there that was not asked for. */
function compare({ book }: Pick<Resident, "book">, kind: OrderKind, there: readonly string[]): string[] {
  const mine = acknowledged(book, kind);
  const lost = [...mine].filter((id) => !there.includes(id)).map((id) => `${kind} ${id} was acknowledged and is lost`);
  const surplus = there.filter((id) => !mine.has(id));
  const perhaps = unanswered(book, kind);
  if (surplus.length <= perhaps) return lost;
  return [...lost, `${surplus.length} of kind ${kind} beside what was acknowledged, ${perhaps} may be: ${surplus}`];
}

/** The owner's refunds under keys; those from the cabinet are nobody's orders here. */
export async function refundDifferences(ctx: Context, owner: Resident): Promise<string[]> {
  const rows = await ctx.db.select({ id: refunds.id }).from(refunds).where(eq(refunds.origin, "owner"));
  return compare(
    owner,
    "refund",
    rows.map(({ id }) => id),
  );
}

async function turnDifferences(ctx: Context, { book, id }: Resident): Promise<string[]> {
  const found: string[] = [];
  const rows = await ctx.db.select().from(chatTurns).where(eq(chatTurns.userId, id));
  const byClientId = new Map(rows.map((row) => [row.clientId, row]));
  for (const clientId of book.answeredTurns) {
    const state = byClientId.get(clientId)?.state;
    if (state !== "succeeded") found.push(`the turn ${clientId} was answered and is ${state}`);
  }
  for (const { kind, key, ids } of book.orders) {
    if (kind !== "turn" || !key.startsWith("socket-")) continue;
    for (const turnId of ids) {
      if (byClientId.get(key)?.id !== turnId) found.push(`the turn ${turnId} was accepted and is lost`);
    }
  }
  const asked = book.orders.filter(({ kind }) => kind === "turn").length;
  if (rows.length > asked) found.push(`${rows.length} turns, and ${asked} were asked for`);
  return found;
}

async function statusDifferences(ctx: Context, { book, id }: Resident): Promise<string[]> {
  const found: string[] = [];
  const rows = await ctx.db.select().from(generations).where(eq(generations.userId, id));
  for (const row of rows) {
    const seen = book.seenEnds.get(row.id);
    if (seen !== undefined && seen !== row.status) found.push(`generation ${row.id} had ${seen} and is ${row.status}`);
    if (book.deleted.has(row.id) && row.deletedAt === null) found.push(`generation ${row.id} was deleted and is there`);
  }
  return found;
}

/** What came over the socket is what stands in the log of events, to the last one. */
async function eventDifferences(ctx: Context, { book, id }: Resident): Promise<string[]> {
  const found: string[] = [];
  if (book.lastEvent === 0) return found;
  const rows = await ctx.db.select().from(liveEvents).where(eq(liveEvents.userId, id)).orderBy(asc(liveEvents.number));
  const [sequence] = await ctx.db.select().from(liveSequences).where(eq(liveSequences.userId, id));
  if (sequence?.lastNumber !== book.lastEvent) {
    found.push(`heard of events up to ${book.lastEvent}, and there are ${sequence?.lastNumber}`);
  }
  for (const { number, type, data } of rows) {
    const heard = book.events.get(number);
    if (heard === undefined) found.push(`event ${number} (${type}) never came`);
    else if (heard.type !== type || data.id !== (JSON.parse(heard.data) as { id?: unknown }).id) {
      found.push(`event ${number} came as ${heard.type} ${heard.data}, and is ${type} ${JSON.stringify(data)}`);
    }
  }
  return found;
}

async function giftDifferences(ctx: Context, { book, id }: Resident): Promise<string[]> {
  const found: string[] = [];
  const uses = await ctx.db.$count(promoUses, eq(promoUses.userId, id));
  if (uses > 1 || (book.promo === "yes" && uses !== 1) || (book.promo === "no" && uses !== 0)) {
    found.push(`took the promo code (${book.promo}) and ${uses} uses are written down`);
  }
  const invited = await ctx.db.select().from(referrals).where(eq(referrals.referredId, id));
  if (book.invitedBy !== undefined && (invited.length !== 1 || invited[0]?.referrerId !== book.invitedBy)) {
    found.push(`came by a link, and ${invited.length} invitations are written down`);
  }
  return found;
}
