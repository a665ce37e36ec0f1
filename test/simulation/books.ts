import { eq, isNotNull } from "drizzle-orm";
import {
  payments,
  planOrders,
  RECONCILE_DAYS,
  refunds,
  taxEntries,
  verifyLedger,
} from "../../src/features/billing/index.ts";
import { generationAttempts, generations } from "../../src/features/generations/index.ts";
import { after, DAY_MS } from "../../src/platform/clock.ts";
import type { Play } from "./play.ts";
import { attemptOf, type ScriptedTask } from "./scripted-kie.ts";

/** Where our books say what is not so at the providers, at any moment. */
export async function lies(play: Play): Promise<string[]> {
  return [...(await ofMoney(play)), ...(await ofPictures(play)), ...(await ofAcknowledgements(play))];
}

/** We say that money moved only where it did, and as much. */
async function ofMoney({ world }: Play): Promise<string[]> {
  const found: string[] = [];
  const { db } = world.ctx;
  const paid = await db.select().from(payments).where(eq(payments.status, "succeeded"));
  for (const payment of paid) {
    const remote = world.shop.payments.find(({ id }) => id === payment.yookassaId);
    const isSo =
      remote?.status === "succeeded" && remote.amountKopecks === payment.amountKopecks && remote.orderId === payment.id;
    if (!isSo) found.push(`the payment ${payment.id} counts as paid and is not: ${JSON.stringify(remote)}`);
  }
  for (const refund of await db.select().from(refunds).where(eq(refunds.status, "succeeded"))) {
    const remote = world.shop.refunds.find(({ id }) => id === refund.yookassaId);
    const isSo = remote?.status === "succeeded" && remote.amountKopecks === refund.amountKopecks;
    if (!isSo) found.push(`the refund ${refund.id} counts as given and is not: ${JSON.stringify(remote)}`);
  }
  for (const [orderId, count] of countsOf(world.shop.payments.map(({ orderId }) => orderId ?? ""))) {
    if (count > 1) found.push(`the order ${orderId} has ${count} payments at the provider`);
  }
  return found;
}

/** A task is made once for each attempt, and never beside another that may yet succeed. */
async function ofPictures({ world }: Play): Promise<string[]> {
  const { tasks } = world.kie;
  if (tasks.length < 2) return [];
  const attempts = await world.ctx.db.select().from(generationAttempts);
  const generationOf = new Map(attempts.map(({ id, generationId }) => [id, generationId]));
  const byGeneration = Map.groupBy(tasks, (task) => generationOf.get(attemptOf(task)) ?? "nobody's");
  const found: string[] = [];
  for (const [generationId, made] of byGeneration) {
    if (generationId === "nobody's") found.push(`a task belongs to no attempt: ${made[0]?.id}`);
    else found.push(...doubleCreates(made).map((what) => `picture ${generationId}: ${what}`));
  }
  return found;
}

function doubleCreates(made: readonly ScriptedTask[]): string[] {
  const found: string[] = [];
  if (new Set(made.map(attemptOf)).size < made.length) found.push("one attempt has several tasks");
  for (const [place, task] of made.slice(1).entries()) {
    const before = made[place];
    const failedBefore = before !== undefined && FAILING.has(before.fate) && before.doneAt <= task.createdAt;
    if (!failedBefore) found.push(`the task ${task.id} was made while ${before?.id} had not failed`);
  }
  return found;
}

const FAILING: ReadonlySet<string> = new Set(["transient", "moderated", "refused", "input_unreachable"]);

/** What was answered as accepted is there. */
async function ofAcknowledgements({ world, acknowledged }: Play): Promise<string[]> {
  const found: string[] = [];
  const { db } = world.ctx;
  for (const [name, table] of Object.entries({ generations, payments, refunds })) {
    const accepted = acknowledged[name as keyof typeof acknowledged];
    if (accepted.size === 0) continue;
    const there = new Set((await db.select({ id: table.id }).from(table as typeof payments)).map(({ id }) => id));
    for (const id of accepted) if (!there.has(id)) found.push(`what was accepted is lost: ${name} ${id}`);
  }
  return found;
}

/** What must be true once everything has come to its end and nothing fails any more. */
export async function unsettled(play: Play): Promise<string[]> {
  const { world } = play;
  const found = await ofUnfinished(play);
  const { differences } = await verifyLedger(world.ctx);
  found.push(...differences.map(({ what, expected, found: is }) => `ledger: ${what} is ${is}, not ${expected}`));
  const { db } = world.ctx;
  const orders = new Map((await db.select().from(payments)).map((payment) => [payment.id, payment]));
  for (const remote of world.shop.payments.filter(({ status }) => status === "succeeded")) {
    const order = orders.get(remote.orderId ?? "");
    const isBooked = order?.status === "succeeded" && order.yookassaId === remote.id;
    if (remote.isOtherAmount) {
      if (isBooked || order?.flagged !== "amount_differs") found.push(`another amount was taken for ${remote.orderId}`);
    } else if (!isBooked) found.push(`paid at the provider, not here: ${remote.orderId} is ${order?.status}`);
  }
  const given = (await db.select().from(refunds).where(isNotNull(refunds.yookassaId))).filter(
    ({ status }) => status === "succeeded",
  );
  for (const remote of world.shop.refunds.filter(({ status }) => status === "succeeded")) {
    const payment = world.shop.payments.find(({ id }) => id === remote.paymentId);
    if (payment?.isOtherAmount) continue;
    // Made in the cabinet, its notices lost, and nobody has reconciled in time: the product says that it looks back so far.
    const isTooOld = after(remote.createdAt, RECONCILE_DAYS * DAY_MS) < world.clock.now();
    if (isTooOld && remote.isFromCabinet && !play.noticesTaken.has(remote.id)) continue;
    const booked = given.filter(({ yookassaId }) => yookassaId === remote.id).length;
    if (booked !== 1) found.push(`given back at the provider, booked ${booked} times here: ${remote.id}`);
  }
  return [...found, ...(await ofCharges(play)), ...(await ofTax(play))];
}

async function ofUnfinished({ world }: Play): Promise<string[]> {
  const rows = await world.database.raw(`
    select 'picture ' || status as what, id from generations where status in ('queued', 'submitting', 'running', 'finishing')
    union all select 'answer ' || state, id from chat_turns where state in ('queued', 'running')
    union all select 'hold', id from credit_holds where state = 'held'
    union all select 'payment', id from payments where status = 'pending' and flagged is null
    union all select 'refund', id from refunds where status = 'pending'
    union all select 'job ' || kind || ' ' || state || ' ' || coalesce(parked_reason, '') || coalesce(last_error, ''), id
      from jobs where kind not like 'outbox.%' and kind <> 'owner.alert'
    union all select 'erased person with credits', id from users where erased_at is not null and balance_credits > 0
    limit 10`);
  return rows.map(({ what, id }) => `unfinished: ${what} (${id})`);
}

/** Nobody's stored card is charged twice for one period. */
async function ofCharges({ world }: Play): Promise<string[]> {
  const orders = await world.ctx.db.select().from(planOrders).where(eq(planOrders.purpose, "renewal"));
  const taken = new Set(
    world.shop.payments.filter(({ status }) => status === "succeeded").map(({ orderId }) => orderId ?? ""),
  );
  const charged = orders.filter(({ paymentId }) => taken.has(paymentId));
  const periods = countsOf(charged.map(({ subscriptionId, periodNumber }) => `${subscriptionId} ${periodNumber}`));
  return [...periods]
    .filter(([, count]) => count > 1)
    .map(([what, count]) => `a card was charged ${count} times: ${what}`);
}

/** Each entry in force has one receipt in force, and no other receipt is. */
async function ofTax({ world }: Play): Promise<string[]> {
  if (!world.conditions.taxService) return [];
  const live = world.tax.receipts.filter(({ isAnnulled }) => !isAnnulled).map(({ number }) => number);
  const entries = await world.ctx.db.select().from(taxEntries);
  const registered = entries
    .filter(({ state }) => state === "registered")
    .map(({ receiptNumber }) => receiptNumber ?? "");
  const found = live.filter((number) => !registered.includes(number)).map((number) => `a receipt too many: ${number}`);
  found.push(
    ...registered.filter((number) => !live.includes(number)).map((number) => `a receipt is missing: ${number}`),
  );
  return found;
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
