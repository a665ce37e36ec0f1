import { asc, eq, inArray } from "drizzle-orm";
import { creditGrants, verifyLedger } from "../../../src/features/billing/index.ts";
import { payments } from "../../../src/features/billing/payments/payment-tables.ts";
import { referrals } from "../../../src/features/referrals/index.ts";
import { jobHandlers } from "../../../src/jobs.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete, type LeasedJob } from "../../../src/platform/queue/claim.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import type { Person, TestApp } from "../../support/app.ts";

export interface ReferralsAnswer {
  code: string;
  link: string | null;
  reward: { credits: number; on: string };
  invited: number;
  rewarded: number;
  credits_earned: number;
  items: { id: string; state: string; decline_reason?: string; credits: number; rewarded_at?: string }[];
  next_cursor: string | null;
}

/** What a person sees of those they brought. */
export async function seenBy(app: TestApp, person: Person, query = ""): Promise<ReferralsAnswer> {
  const response = await app.request(`/referrals${query}`, { as: person });
  if (response.status !== 200) throw new Error(`referrals answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as ReferralsAnswer;
}

/** The start parameter of a person's link. */
export async function linkOf(app: TestApp, person: Person): Promise<string> {
  return `ref_${(await seenBy(app, person)).code}`;
}

/** Somebody who first signs in behind a person's link. */
export async function broughtBy(app: TestApp, inviter: Person): Promise<Person> {
  return app.signIn({ startParam: await linkOf(app, inviter) });
}

/** Who brought the person: the inviter's id, or null. */
export async function inviterOf(app: TestApp, referredId: string): Promise<string | null> {
  return (await referralOf(app, referredId))?.referrerId ?? null;
}

export async function referralOf(app: TestApp, referredId: string) {
  const [row] = await app.ctx.db.select().from(referrals).where(eq(referrals.referredId, referredId));
  return row ?? null;
}

/** Credits that the person was ever granted for bringing others, from the ledger itself. */
export async function grantedTo(app: TestApp, userId: string): Promise<number[]> {
  const rows = await app.ctx.db
    .select()
    .from(creditGrants)
    .where(eq(creditGrants.userId, userId))
    .orderBy(asc(creditGrants.id));
  return rows.filter((row) => row.kind === "referral").map((row) => row.credits);
}

/** What the ledger's own check finds wrong: nothing, always. */
export async function differences(app: TestApp): Promise<unknown[]> {
  return (await verifyLedger(app.ctx)).differences;
}

/** Puts a job as another feature would and runs it; other kinds wait, and the clock stands still. */
export async function happens(app: TestApp, kind: string, payload: Record<string, unknown>): Promise<void> {
  await enqueue(app.ctx, kind, payload);
  const { taken, run, done } = await inHands(app, kind);
  for (const job of taken) {
    const outcome = await run(job);
    if (outcome.kind !== "done")
      throw new Error(`a job ${kind} ended as ${JSON.stringify(outcome)}`, { cause: outcome });
  }
  await done();
}

/** A picture of the person's ended; by itself, so that a test need not make one. */
export function pictureEnded(app: TestApp, person: Pick<Person, "id">, status = "succeeded"): Promise<void> {
  return happens(app, "generation.ended", endedPicture(person, status));
}

/** The payload of `generation.ended`. */
export function endedPicture(person: Pick<Person, "id">, status = "succeeded") {
  return { generation_id: newId(), user_id: person.id, status };
}

/** The bot was started: what its webhook puts into the queue. */
export function started(app: TestApp, telegramId: number, startParam: string): Promise<void> {
  return happens(app, "telegram.started", { telegram_id: telegramId, start_param: startParam });
}

/** Claims all jobs of these kinds as a worker does and returns them with a way to run one. */
export async function inHands(app: TestApp, ...kinds: string[]) {
  const taken = await claim(app.ctx, newId(), kinds, 100);
  const handlers = jobHandlers(app.ctx);
  const run = async (job: LeasedJob) => (await handlers.get(job.kind)?.run(job)) ?? { kind: "no handler" };
  const done = () =>
    complete(
      app.ctx,
      taken.map((job) => job.id),
      taken.map((job) => job.lease),
    );
  return { taken, run, done };
}

/** A paid order, written straight into its table for histories that need many; the ledger knows nothing of it. */
export async function paidOrder(app: TestApp, person: Pick<Person, "id">): Promise<string> {
  const id = newId();
  const now = app.clock.now();
  await app.ctx.db.insert(payments).values({
    id,
    userId: person.id,
    provider: "yookassa",
    product: "pack_20",
    credits: 20,
    amountKopecks: 14_900,
    currency: "RUB",
    status: "succeeded",
    taxKopecks: 596,
    commissionKopecks: 509,
    commissionIsReal: false,
    refundedKopecks: 0,
    tokensUsed: 0,
    idempotencyKey: `order-${id}`,
    isTest: true,
    returnUrl: "https://example.org/",
    checks: 0,
    succeededAt: now,
    createdAt: now,
    updatedAt: now,
  });
  return id;
}

/** The order's money went back, whole or in part; the job that says so is the caller's. */
export async function givenBack(app: TestApp, paymentIds: string[], refundedKopecks: number): Promise<void> {
  await app.ctx.db.update(payments).set({ refundedKopecks }).where(inArray(payments.id, paymentIds));
}
