import type { Context } from "../../context.ts";
import { consentOf } from "./consent.ts";
import type { User } from "./users.ts";

/** A person as the API answers them. */
export async function profileView(ctx: Pick<Context, "db" | "settings">, user: User) {
  return {
    id: user.id,
    telegram_id: user.telegramId,
    first_name: user.firstName,
    last_name: user.lastName,
    username: user.username,
    language: user.language,
    notifications: { results: user.notifyResults, news: user.notifyNews },
    telegram_write_state: user.writeState,
    subscription_type: user.subscriptionType,
    consent: await consentOf(ctx, user.id),
    created_at: user.createdAt.toISOString(),
  };
}
