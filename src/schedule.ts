import type { Schedule } from "./platform/queue/cron.ts";

/** Every recurring job: when (Moscow time, seconds first where there are six fields), and what. */
export const schedule: readonly Schedule[] = [
  { name: "fail overdue generations", cron: "*/10 * * * * *", kind: "generations.fail_overdue" },
  { name: "fail overdue chat turns", cron: "*/10 * * * * *", kind: "editing.fail_overdue" },
  { name: "ask about open payments", cron: "*/15 * * * * *", kind: "payments.sweep" },
  { name: "renew and end subscriptions", cron: "5 * * * * *", kind: "subscriptions.keep" },
  { name: "file the tax journal", cron: "5 * * * * *", kind: "tax.file" },
  { name: "check the provider's balance", cron: "*/3 * * * *", kind: "provider.check_balance" },
  { name: "look after messages that wait", cron: "30 * * * * *", kind: "outbox.sweep" },
  { name: "sort jobs of unknown kinds", cron: "* * * * *", kind: "queue.sort_unknown_kinds" },
  { name: "count the figures of days", cron: "20 * * * * *", kind: "figures.count" },
  { name: "look after broadcasts", cron: "35 * * * * *", kind: "broadcasts.sweep" },
  { name: "watch what products leave", cron: "50 7 * * *", kind: "economy.watch" },
  { name: "clean up", cron: "17 * * * *", kind: "privacy.clean_up" },
  { name: "verify the ledger", cron: "40 3 * * *", kind: "ledger.verify" },
];
