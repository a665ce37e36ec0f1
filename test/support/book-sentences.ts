/**
 * What is true of credits and money whatever happened, in plain SQL for both databases: each query lists the ids that
 * contradict its sentence. It shares no line with `ledger verify` and imports nothing, so that both cannot be wrong alike.
 */
export const CREDIT_SENTENCES: Readonly<Record<string, string>> = {
  "a balance is the sum of its entries": `
    select u.id from users u left join credit_entries e on e.user_id = u.id group by u.id, u.balance_credits
    having u.balance_credits <> coalesce(sum(e.balance_delta), 0)`,
  "what is reserved is the sum of the entries": `
    select u.id from users u left join credit_entries e on e.user_id = u.id group by u.id, u.reserved_credits
    having u.reserved_credits <> coalesce(sum(e.reserved_delta), 0)`,
  "a balance is what is left of the grants": `
    select u.id from users u left join credit_grants g on g.user_id = u.id group by u.id, u.balance_credits
    having u.balance_credits <> coalesce(sum(g.credits_left), 0)`,
  "what is reserved is what the open holds hold": `
    select u.id from users u left join credit_holds h on h.user_id = u.id and h.state = 'held'
    group by u.id, u.reserved_credits having u.reserved_credits <> coalesce(sum(h.credits), 0)`,
  "what is gone of a grant was taken by holds that were not released, or revoked or expired": `
    select g.id from credit_grants g where g.credits - g.credits_left
      <> coalesce((select sum(p.credits) from credit_hold_parts p join credit_holds h on h.id = p.hold_id
                   where p.grant_id = g.id and h.state <> 'released'), 0)
       - coalesce((select sum(e.balance_delta) from credit_entries e
                   where e.grant_id = g.id and e.kind in ('revoke', 'expire')), 0)`,
  "a hold is the sum of its parts": `
    select h.id from credit_holds h left join credit_hold_parts p on p.hold_id = h.id group by h.id, h.credits
    having h.credits <> coalesce(sum(p.credits), 0)`,
  "a succeeded payment has one grant of its credits, and no other payment has one": `
    select p.id from payments p left join credit_grants g on g.source = 'payment:' || p.id
    group by p.id, p.status, p.credits
    having coalesce(sum(g.credits), 0) <> case when p.status = 'succeeded' then p.credits else 0 end`,
};

export const MONEY_SENTENCES: Readonly<Record<string, string>> = {
  "what a payment gave back is the sum of its refunds": `
    select p.id from payments p left join refunds r on r.payment_id = p.id and r.status = 'succeeded'
    group by p.id, p.refunded_amount having p.refunded_amount <> coalesce(sum(r.amount), 0)`,
  "what is declared of a payment is what was paid and not given back": `
    select p.id from payments p left join tax_entries t on t.payment_id = p.id and t.state <> 'annulled'
    group by p.id, p.status, p.amount, p.refunded_amount
    having coalesce(sum(t.gross), 0) <> case when p.status = 'succeeded' then p.amount - p.refunded_amount else 0 end`,
};
