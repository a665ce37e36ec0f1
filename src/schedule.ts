import type { Schedule } from "./platform/queue/cron.ts";

/** Every recurring job: when (Moscow time, seconds first where there are six fields), and what. */
export const schedule: readonly Schedule[] = [
  { name: "fail overdue generations", cron: "*/10 * * * * *", kind: "generations.fail_overdue" },
  { name: "fail overdue chat turns", cron: "*/10 * * * * *", kind: "editing.fail_overdue" },
  { name: "ask about open payments", cron: "*/15 * * * * *", kind: "payments.sweep" },
  { name: "renew and end subscriptions", cron: "5 * * * * *", kind: "subscriptions.keep" },
  { name: "check the provider's balance", cron: "*/3 * * * *", kind: "provider.check_balance" },
  { name: "sort jobs of unknown kinds", cron: "* * * * *", kind: "queue.sort_unknown_kinds" },
  { name: "clean up", cron: "17 * * * *", kind: "privacy.clean_up" },
  { name: "verify the ledger", cron: "40 3 * * *", kind: "ledger.verify" },
];
