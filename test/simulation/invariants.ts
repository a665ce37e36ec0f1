import { sql } from "drizzle-orm";
import type { Database } from "../../src/platform/db/database.ts";
import { CREDIT_SENTENCES, MONEY_SENTENCES } from "../support/book-sentences.ts";

/**
 * What must be true after every step, in plain SQL that shares no line with `ledger verify`: each query lists the ids that
 * contradict its sentence. They run as one statement.
 */
const SENTENCES: Readonly<Record<string, string>> = {
  ...CREDIT_SENTENCES,
  ...MONEY_SENTENCES,
  "no number of credits is negative": `select id from users where balance_credits < 0 or reserved_credits < 0`,
  "all entries and their counter-accounts are zero": `
    select user_id as id from credit_entries group by user_id
    having sum(balance_delta + reserved_delta + counter_delta) <> 0`,
  "a hold has one beginning and, when it is over, one end": `
    select h.id from credit_holds h left join credit_entries e on e.hold_id = h.id group by h.id, h.state
    having sum(e.kind = 'hold') <> 1
        or sum(e.kind = 'settle') <> (h.state = 'settled') or sum(e.kind = 'release') <> (h.state = 'released')`,
  "a picture holds while it is in work, is paid when it succeeded and given back otherwise": `
    select g.id from generations g join credit_holds h on h.id = g.hold_id
    where h.state <> case g.status when 'succeeded' then 'settled' when 'failed' then 'released'
                     when 'cancelled' then 'released' else 'held' end`,
  "an answer of the assistant holds, is paid or given back alike": `
    select t.id from chat_turns t join credit_holds h on h.id = t.hold_id
    where h.state <> case t.state when 'succeeded' then 'settled' when 'failed' then 'released' else 'held' end`,
  "a hold belongs to one picture or one answer": `
    select h.id from credit_holds h where (h.operation like 'generation:%'
      and 1 <> (select count(*) from generations g where g.hold_id = h.id and h.operation = 'generation:' || g.id))`,
  "what a picture cost is what was held for it": `
    select g.id from generations g join credit_holds h on h.id = g.hold_id
    where g.credits_spent <> case when h.state = 'released' then 0 else h.credits end`,
  "free actions used are the holds that took them": `
    select u.id from users u left join credit_holds h
      on h.user_id = u.id and h.free_month = u.freemium_month and not h.free_returned
    group by u.id, u.freemium_actions_used, u.carried_free_actions
    having u.freemium_actions_used - count(h.id) not in (0, coalesce(u.carried_free_actions, 0))`,
  "a free action that was released came back, up to ten a day": `
    select h.id from credit_holds h where h.state = 'released' and h.free_month is not null and not h.free_returned
      and 10 > (select count(*) from credit_holds r where r.user_id = h.user_id and r.free_returned)`,
  "a picture in work has its job": `
    select g.id from generations g where g.status in ('queued', 'submitting', 'running', 'finishing')
      and not exists (select 1 from jobs j where j.unique_key = 'generation:' || g.id)`,
  "an answer that is waited for has its job": `
    select t.id from chat_turns t where t.state in ('queued', 'running')
      and not exists (select 1 from jobs j where j.unique_key = 'turn:' || t.id)`,
  "a picture has one attempt in hand": `
    select generation_id as id from generation_attempts where ended_at is null and generation_id in (
      select id from generations where status in ('queued', 'submitting', 'running', 'finishing'))
    group by generation_id having count(*) > 1`,
  "a refund takes back no more than was granted": `
    select p.id from payments p join refunds r on r.payment_id = p.id group by p.id, p.credits
    having sum(r.credits_revoked) > p.credits`,
  "a refund of a part takes back the part's share, rounded up": `
    select r.id from refunds r join payments p on p.id = r.payment_id
    where p.refunded_amount < p.amount and r.credits_revoked > (p.credits * r.amount + p.amount - 1) / p.amount`,
  "a payment that was given back whole has no credits left": `
    select p.id from payments p join credit_grants g on g.source = 'payment:' || p.id
    where p.refunded_amount = p.amount and g.credits_left > 0
      and not exists (select 1 from credit_holds h join credit_hold_parts c on c.hold_id = h.id
                      where c.grant_id = g.id and h.state = 'released')`,
  "an order that is open is asked about, or its time is over": `
    select id from payments where status <> 'pending' and next_check_at is not null`,
  "a person has one subscription": `
    select user_id as id from subscriptions where ended_at is null group by user_id having count(*) > 1`,
  "a person's row shows the subscription": `
    select u.id from users u left join subscriptions s on s.user_id = u.id and s.ended_at is null
    where (u.subscription_type is null) <> (s.id is null) or u.subscription_type <> s.type`,
  "a paid plan has one period": `
    select p.id from payments p join plan_orders o on o.payment_id = p.id
    where (p.status = 'succeeded') <> (select count(*) from subscription_periods s where s.payment_id = p.id)`,
  "a period of a subscription is charged once": `
    select o.subscription_id as id from plan_orders o join payments p on p.id = o.payment_id
    where o.purpose = 'renewal' and p.status = 'succeeded' group by o.subscription_id, o.period_number having count(*) > 1`,
  "a reward is one grant of what was awarded": `
    select r.id from referrals r left join credit_grants g on g.source = 'referral:' || r.id
    group by r.id, r.credits_awarded having coalesce(sum(g.credits), 0) <> r.credits_awarded`,
  "nobody gets credits of referrals beyond what was awarded": `
    select u.id from users u join credit_grants g on g.user_id = u.id and g.kind = 'referral'
    group by u.id having sum(g.credits) <> (select sum(credits_awarded) from referrals where referrer_id = u.id)`,
  "events have numbers without a gap": `
    select s.user_id as id from live_sequences s join live_events e on e.user_id = s.user_id
    group by s.user_id, s.last_number
    having max(e.number) <> s.last_number or max(e.number) - min(e.number) + 1 <> count(*)`,
  "a receipt stands for one entry": `
    select receipt_number as id from tax_entries where receipt_number is not null
    group by receipt_number having count(*) > 1`,
};

const STATEMENT = Object.entries(SENTENCES)
  .map(([sentence, query]) => `select '${sentence.replaceAll("'", "''")}' as sentence, id from (${query})`)
  .join("\nunion all ");
const found = sql.raw(`(${STATEMENT}) as found`);

/** The sentences that are not true now, each with an id of what contradicts it. */
export async function contradictions(database: Pick<Database, "queries">): Promise<string[]> {
  const rows = await database.queries
    .select({ sentence: sql<string>`sentence`, id: sql<string>`id` })
    .from(found)
    .limit(10);
  return rows.map(({ sentence, id }) => `not so: ${sentence} (${id})`);
}
