import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invariant } from "../../platform/errors.ts";
import { randomToken } from "../../platform/ids.ts";
import { type User, users } from "../profile/index.ts";
import { referralCodes } from "./tables.ts";

/** Eight characters, so that `ref_` and the code fit the 64 that Telegram allows behind `/start`. */
const CODE_BYTES = 6;
/** Codes of 48 bits hardly ever meet; twice in a row is a fault. */
const CODE_TRIES_MAX = 3;
const START_PARAM = /^ref_([A-Za-z0-9_-]{1,60})$/;

/** The person's code, made now if there was none. Two at once get the same one. */
export async function referralCode(ctx: Pick<Context, "db" | "clock">, userId: string): Promise<string> {
  for (let tries = 0; tries <= CODE_TRIES_MAX; tries += 1) {
    const [row] = await ctx.db.select().from(referralCodes).where(eq(referralCodes.userId, userId));
    if (row) return row.code;
    await ctx.db
      .insert(referralCodes)
      .values({ userId, code: randomToken(CODE_BYTES), createdAt: ctx.clock.now() })
      .onConflictDoNothing();
  }
  invariant(false, "a fresh code belongs to nobody else");
}

/** Who owns the code, or null. */
export async function ownerOfCode(ctx: Pick<Context, "db">, code: string): Promise<User | null> {
  const [row] = await ctx.db
    .select({ user: users })
    .from(referralCodes)
    .innerJoin(users, eq(users.id, referralCodes.userId))
    .where(eq(referralCodes.code, code));
  return row?.user ?? null;
}

/** The code in a start parameter `ref_<code>`; null for any other, which means nothing here. */
export function codeFrom(startParam: string | null | undefined): string | null {
  return START_PARAM.exec(startParam ?? "")?.[1] ?? null;
}

/**
 * The link that opens the Mini App with the code; without the app's name it opens the bot's main app. Null while the bot
 * has no name in the settings.
 */
export function referralLink(ctx: Pick<Context, "settings">, code: string): string | null {
  const { TELEGRAM_BOT_NAME: bot, TELEGRAM_APP_NAME: app } = ctx.settings;
  if (bot === "") return null;
  return `https://t.me/${bot}${app === "" ? "" : `/${app}`}?startapp=ref_${code}`;
}
