import { desc, eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { liveSessions } from "../features/auth/index.ts";
import { balanceOf, creditEntries } from "../features/billing/index.ts";
import { activeGenerations } from "../features/generations/index.ts";
import { findByTelegramId, profileView, type User } from "../features/profile/index.ts";
import { OperatorError } from "../platform/errors.ts";
import {
  type Command,
  print,
  printJson,
  readArguments,
  shownMoment,
  table,
  wholeNumberFrom,
  withContext,
} from "./command.ts";

const ENTRIES_SHOWN = 10;
const SHOW_USAGE = "Usage: atelier user show <telegram_id> [--json]";

export const userShowCommand: Command = {
  name: "user show",
  summary: "a person: profile, credits, last entries, pictures in work, sessions",
  help: `${SHOW_USAGE}

  --json   for a program

Example:
  atelier user show 123456789`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: SHOW_USAGE,
      options: { json: "boolean" },
      words: ["telegram_id"],
    });
    const telegramId = telegramIdFrom(words[0]);
    const card = await withContext(async (ctx) => cardOf(ctx, await personOf(ctx, telegramId)));
    if (values.json) printJson(card);
    else printCard(card);
    return 0;
  },
};

/** The Telegram id that somebody typed. */
export function telegramIdFrom(text: string): number {
  return wholeNumberFrom(text, "<telegram_id>", { min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** The person with this Telegram id; an `OperatorError` when they never signed in. */
export async function personOf(ctx: Pick<Context, "db">, telegramId: number): Promise<User> {
  const user = await findByTelegramId(ctx, telegramId);
  if (user !== null) return user;
  throw new OperatorError(
    `Nobody with the Telegram id ${telegramId} has signed in yet. They have to open the app once; then this works.`,
  );
}

async function cardOf(ctx: Context, user: User) {
  const entries = await ctx.db
    .select()
    .from(creditEntries)
    .where(eq(creditEntries.userId, user.id))
    .orderBy(desc(creditEntries.id))
    .limit(ENTRIES_SHOWN);
  const generations = await activeGenerations(ctx, user.id);
  return {
    profile: {
      ...(await profileView(ctx, user)),
      banned_at: user.bannedAt?.toISOString() ?? null,
      ban_reason: user.banReason,
    },
    balance: await balanceOf(ctx, user),
    entries: entries.map((entry) => ({
      at: shownMoment(entry.createdAt),
      kind: entry.kind,
      action: entry.action,
      credits: entry.balanceDelta,
      reserved: entry.reservedDelta,
      free_action: entry.freeActionDelta,
      cause: entry.cause,
    })),
    active_generations: generations.map(({ id, type, status, progress, createdAt }) => ({
      id,
      type,
      status,
      progress,
      created_at: createdAt.toISOString(),
    })),
    sessions: (await liveSessions(ctx, user.id)).map((session) => ({
      id: session.id,
      created_at: session.createdAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
    })),
  };
}

function printCard({ profile, balance, entries, active_generations, sessions }: Awaited<ReturnType<typeof cardOf>>) {
  const name = [profile.first_name, profile.last_name].filter(Boolean).join(" ");
  const { free_actions: free, subscription, next_expiry: expiry } = balance;
  const facts: Array<[string, string]> = [
    ["person", `${name}${profile.username === null ? "" : ` @${profile.username}`}`],
    ["telegram id", String(profile.telegram_id)],
    ["id", profile.id],
    ["since", profile.created_at],
    ["language", profile.language],
    ["bot may write", profile.telegram_write_state],
    ...(profile.banned_at === null
      ? []
      : [["banned", `${profile.banned_at} ${profile.ban_reason ?? ""}`.trim()] as [string, string]]),
    ["credits", `${balance.credits}, and ${balance.reserved} reserved`],
    ["free actions", `${free.used} of ${free.limit} used, new ones at ${free.renews_at}`],
    ["subscription", subscription === null ? "none" : `${subscription.type} until ${subscription.ends_at}`],
    ...(expiry === null ? [] : [["next expiry", `${expiry.credits} credits at ${expiry.at}`] as [string, string]]),
  ];
  for (const [label, value] of facts) print(`${label.padEnd(13)}  ${value}`);
  section(
    `Last entries (at most ${ENTRIES_SHOWN})`,
    ["at", "kind", "action", "credits", "reserved", "free", "cause"],
    [
      ...entries.map((one) => [
        one.at,
        one.kind,
        one.action,
        signed(one.credits),
        signed(one.reserved),
        signed(one.free_action),
        one.cause,
      ]),
    ],
  );
  section(
    "Pictures in work",
    ["id", "type", "status", "progress", "since"],
    active_generations.map((one) => [one.id, one.type, one.status, `${one.progress} %`, one.created_at]),
  );
  section(
    "Sessions",
    ["id", "since", "until"],
    sessions.map((one) => [one.id, one.created_at, one.expires_at]),
  );
}

function section(title: string, heading: readonly string[], rows: ReadonlyArray<readonly string[]>): void {
  print(rows.length === 0 ? `\n${title}: none` : `\n${title}\n${table(heading, rows)}`);
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
