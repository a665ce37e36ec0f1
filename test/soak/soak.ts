import { eq, isNull, sql } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { subscriptions } from "../../src/features/billing/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { DAY_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { withPatience } from "../../src/platform/db/patience.ts";
import { liveSequences } from "../../src/platform/live/tables.ts";
import { violations } from "../support/invariants.ts";
import { creditProof, moneyProof } from "../support/money-proof.ts";
import { OWNER_TELEGRAM_ID } from "../support/operators.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { live } from "./deeds.ts";
import { compareFiles } from "./file-comparison.ts";
import { startFleet } from "./fleet.ts";
import { type Listener, listen } from "./listener.ts";
import { messageDifferences } from "./message-comparison.ts";
import { shopDifferences, taxDifferences } from "./money-comparison.ts";
import { personDifferences, refundDifferences } from "./person-comparison.ts";
import { giveBackUntil, redeem } from "./purchases.ts";
import { newResident, persist, type Resident, type Town } from "./resident.ts";
import { runToTheEnd } from "./rest.ts";
import { PROMO_CODE, PROMO_CREDITS, type Stage } from "./stage.ts";
import { Tally } from "./tally.ts";
import { pick, startWeather } from "./weather.ts";

const PEOPLE = 24;
const FIRST_TELEGRAM_ID = 500_000;
/** From one newcomer, who follows somebody's link, to the next. */
const NEWCOMER_MS = { least: 4_000, most: 12_000 };
/** From one subscription whose time has come to the next. */
const RENEWAL_MS = 6_000;
const LAST_EVENT_MS_MAX = 15_000;
/** What compares all rows with all others takes longer than what a person waits for. */
const RECKONING_STATEMENT_MS_MAX = 2 * MINUTE_MS;

export interface SoakReport {
  happened: Tally;
  faults: Tally;
  errors: Tally;
  facts: Record<string, number>;
  differences: string[];
}

/** The whole story: load, faults and killings for `ms`, then rest, then the comparison of everybody's books. */
export async function soak(stage: Stage, options: { ms: number; seed: number }): Promise<SoakReport> {
  const { seed, ms } = options;
  const [happened, faults] = [new Tally(), new Tally()];
  const differences: string[] = [];
  const town: Town = { stage, happened, differences, paid: [], residents: [], seed };
  const fleet = await startFleet(stage, { random: seededRandom(seed + 1), happened, differences });
  const promo = ["promo", "create", "--credits", String(PROMO_CREDITS), "--code", PROMO_CODE, "--uses", "10000"];
  const made = await stage.deployment.run(promo);
  if (made.code !== 0) throw new Error(`the promo code was not made: ${made.stderr}`);

  return stage.deployment.inside(async (ctx, database) => {
    const owner = await newResident(town, { telegramId: OWNER_TELEGRAM_ID, random: seededRandom(seed + 2) });
    const listeners = new Map<Resident, Listener>();
    await settleIn(town, listeners);
    const endsAt = performance.now() + ms;
    const weather = startWeather(stage, seededRandom(seed + 3), faults);
    await Promise.all([
      fleet.harass(endsAt),
      giveBackUntil(town, owner, endsAt),
      newcomers(town, listeners, endsAt),
      renewals(ctx, town, endsAt),
      ...town.residents.filter((one) => one !== owner).map((resident) => live(resident, endsAt)),
    ]);
    await weather.clear();
    const reckoned = withPatience(RECKONING_STATEMENT_MS_MAX, async () => {
      differences.push(...(await runToTheEnd(stage, ctx)));
      await hearTheRest(ctx, listeners, differences);
      return compareAll({ ctx, database, town, owner });
    });
    // What was seen until then is told all the same.
    const facts = await reckoned.catch((error) => {
      differences.push(`the comparison broke off: ${Bun.inspect(error)}`);
      return {};
    });
    return { happened, faults, errors: fleet.errors(), facts, differences };
  });
}

/** Half of the people keep a socket open; the others are written to by the bot. */
async function settleIn(town: Town, listeners: Map<Resident, Listener>): Promise<void> {
  for (let place = 0; place < PEOPLE; place += 1) {
    const random = seededRandom(town.seed + 100 + place);
    const resident = await newResident(town, { telegramId: FIRST_TELEGRAM_ID + place, random });
    await redeem(resident);
    if (place % 2 === 0) listeners.set(resident, listen(resident));
  }
}

async function newcomers(town: Town, listeners: Map<Resident, Listener>, endsAt: number): Promise<void> {
  const random = seededRandom(town.seed + 4);
  const lives: Promise<void>[] = [];
  for (let place = PEOPLE; ; place += 1) {
    await Bun.sleep(NEWCOMER_MS.least + random() * (NEWCOMER_MS.most - NEWCOMER_MS.least));
    if (performance.now() > endsAt) break;
    const inviter = pick(town.residents, random);
    const answer = inviter.isErased || inviter.isAway ? null : await persist(inviter, "/referrals");
    const code = answer?.status === 200 && /ref_[\w-]+/.exec((answer.json() as { link: string }).link)?.[0];
    const resident = await newResident(town, {
      telegramId: FIRST_TELEGRAM_ID + place,
      random: seededRandom(town.seed + 100 + place),
      ...(code ? { startParam: code, invitedBy: inviter.id } : {}),
    });
    town.happened.add(code ? "newcomer by a link" : "newcomer");
    await redeem(resident);
    if (place % 2 === 0) listeners.set(resident, listen(resident));
    lives.push(live(resident, endsAt));
  }
  await Promise.all(lives);
}

/**
 * Brings the charge of a subscription forward, as if its month had passed: the only hand that is laid on the database
 * while the load runs. The product charges it at its next look, once a minute.
 */
async function renewals(ctx: Context, { happened }: Town, endsAt: number): Promise<void> {
  while (performance.now() + RENEWAL_MS < endsAt) {
    await Bun.sleep(RENEWAL_MS);
    const now = ctx.clock.now();
    const due = sql`${subscriptions.id} in (select id from subscriptions where ended_at is null and auto_renew
      and next_try_at is null and state = 'active' and not exists (select 1 from plan_orders o join payments p
      on p.id = o.payment_id where o.subscription_id = subscriptions.id and p.status = 'pending') limit 2)`;
    await ctx.db
      .update(subscriptions)
      .set({ noticedFor: subscriptions.endsAt, nextTryAt: now, graceEndsAt: new Date(now.getTime() + DAY_MS) } as never)
      .where(due)
      .returning({ id: subscriptions.id })
      .then((rows) => rows.length > 0 && happened.add("renewal brought forward", rows.length))
      .catch(() => happened.add("renewal not brought forward: no database"));
  }
}

async function hearTheRest(ctx: Context, listeners: Map<Resident, Listener>, differences: string[]): Promise<void> {
  for (const [resident, listener] of listeners) {
    if (!resident.isErased) {
      const [row] = await ctx.db.select().from(liveSequences).where(eq(liveSequences.userId, resident.id));
      const last = row?.lastNumber ?? 0;
      if (!(await listener.heard(last, LAST_EVENT_MS_MAX))) {
        differences.push(`person ${resident.id} heard of event ${resident.book.lastEvent} last, and there are ${last}`);
      }
    }
  }
  await Promise.all([...listeners.values()].map((listener) => listener.stop()));
}

interface Reckoning {
  ctx: Context;
  database: Database;
  town: Town;
  owner: Resident;
}

async function compareAll({ ctx, database, town, owner }: Reckoning): Promise<Record<string, number>> {
  const { stage, differences } = town;
  const { kie } = stage.deployment;
  const say = (about: string, found: readonly string[]) => differences.push(...found.map((one) => `${about}: ${one}`));
  say("invariants", await violations(ctx, kie));
  say("credits", await creditProof(database));
  say("money", await moneyProof(database, stage.shop));
  say("shop", await shopDifferences(stage, ctx));
  say("tax", await taxDifferences(stage, ctx));
  say("refunds", await refundDifferences(ctx, owner));
  for (const resident of town.residents) say(`person ${resident.id}`, await personDifferences(ctx, resident));
  const erased = new Set(town.residents.filter(({ isErased }) => isErased).map(({ telegramId }) => telegramId));
  say("bot", await messageDifferences(stage, ctx, erased));
  const verified = await stage.deployment.run(["ledger", "verify"]);
  if (verified.code !== 0) say("ledger verify", [`ended with ${verified.code}: ${verified.stderr}`]);
  const pictures = await compareFiles(stage, ctx);
  say("files", pictures.differences);
  return {
    people: town.residents.length,
    "people left": await ctx.db.$count(users, isNull(users.erasedAt)),
    "orders in people's books": town.residents.reduce((sum, { book }) => sum + book.orders.length, 0),
    "events heard": town.residents.reduce((sum, { book }) => sum + book.events.size, 0),
    "tasks at kie.ai": kie.stats().tasks.length,
    "payments at the shop": stage.shop.stats().payments.length,
    "refunds at the shop": stage.shop.stats().refunds.length,
    "receipts at the tax service": stage.lknpd.stats().receipts.length,
    "messages of the bot": stage.telegram.stats().messages.bot,
    "answers of the assistant": stage.openRouter.stats().outcomes.answered ?? 0,
    "stored files": pictures.stored,
    "files without a row, collected": pictures.collected,
  };
}
