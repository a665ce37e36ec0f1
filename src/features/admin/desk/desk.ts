import type { Context } from "../../../context.ts";
import { ACTIONS } from "../../../platform/config/catalogue.ts";
import type { AuditEntry } from "../../audit/index.ts";
import { listOperators } from "../../auth/index.ts";
import { peopleById, personRef } from "../people/people.ts";

/** Who may open the panel. */
export async function operatorsView(ctx: Pick<Context, "db" | "settings">) {
  const found = await listOperators(ctx);
  return {
    items: found.map(({ user, role }) => ({
      person: personRef(user),
      role,
      by_setting: ctx.settings.ADMIN_TELEGRAM_IDS.includes(String(user.telegramId)),
    })),
  };
}

/** The audit trail with names in the place of ids. */
export async function auditRows(ctx: Pick<Context, "db">, entries: readonly AuditEntry[]) {
  const ids = entries.flatMap((entry) => [entry.operatorId, entry.personId]).filter((id) => id !== null);
  const people = await peopleById(ctx, ids);
  const named = (id: string | null) => {
    const person = id === null ? undefined : people.get(id);
    return person ? personRef(person) : null;
  };
  return entries.map((entry) => ({
    id: entry.id,
    operator: named(entry.operatorId),
    action: entry.action,
    subject: entry.subject,
    subject_id: entry.subjectId,
    person: named(entry.personId),
    reason: entry.reason,
    before: entry.before === null ? null : { ...entry.before },
    after: entry.after === null ? null : { ...entry.after },
    request_id: entry.requestId,
    created_at: entry.createdAt.toISOString(),
  }));
}

/** What is sold and what things cost, as this server has it now. */
export function catalogueShown({
  catalogue,
  settings,
  paymentProvider,
}: Pick<Context, "catalogue" | "settings" | "paymentProvider">) {
  return {
    actions: ACTIONS.map((key) => ({ key, credits: catalogue.actions[key] })),
    packs: catalogue.packs.map((one) => ({ ...one })),
    plans: catalogue.plans.map((one) => ({ ...one })),
    free_actions_per_month: settings.FREE_ACTIONS_PER_MONTH,
    auto_renewal: settings.YOOKASSA_AUTOPAYMENTS === "on",
    shop: paymentProvider !== null,
    file: settings.CATALOGUE_FILE !== "",
  };
}
