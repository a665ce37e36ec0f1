/**
 * The sums by which an owner sees that a backup or a copy holds all the money and credits: names of the database, as the
 * backup of an older schema is held against them too.
 */
export const bookSums = [
  { what: "credits to spend", table: "users", column: "balance_credits" },
  { what: "credits held", table: "users", column: "reserved_credits" },
  { what: "journal of credits, balances", table: "credit_entries", column: "balance_delta" },
  { what: "journal of credits, held", table: "credit_entries", column: "reserved_delta" },
  { what: "journal of credits", table: "credit_entries", column: "counter_delta", by: "counter_account" },
  { what: "credits granted", table: "credit_grants", column: "credits", by: "kind" },
  { what: "credits left of grants", table: "credit_grants", column: "credits_left" },
  { what: "payments, kopecks", table: "payments", column: "amount", by: "status" },
  { what: "given back, kopecks", table: "payments", column: "refunded_amount" },
  { what: "refunds, kopecks", table: "refunds", column: "amount", by: "status" },
  { what: "tax journal, kopecks", table: "tax_entries", column: "gross", by: "state" },
] as const;
