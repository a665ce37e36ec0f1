import { eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { creditGrants, grantCredits } from "../features/billing/index.ts";
import { findUser, type User } from "../features/profile/index.ts";
import { invariant, OperatorError } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import {
  type Command,
  dayEndFrom,
  oneOfFrom,
  print,
  readArguments,
  shownMoment,
  wholeNumberFrom,
  withContext,
} from "./command.ts";
import { personOf, telegramIdFrom } from "./user.ts";

/** Plan credits come with a subscription only. */
const KINDS = ["gift", "pack", "referral"] as const;
const CREDITS_MAX = 100_000;
/** Both stand in rows and in tables on a terminal. */
const KEY = /^[\x21-\x7e]{1,100}$/;
const REASON_LENGTH_MAX = 200;

const USAGE =
  "Usage: atelier user grant <telegram_id> <credits> [--kind gift|pack|referral] [--reason <text>] [--expires <date>] [--key <text>]";

export const userGrantCommand: Command = {
  name: "user grant",
  summary: "give a person credits",
  help: `${USAGE}

  --kind      gift (default), pack or referral
  --reason    why; it stands in the journal and in \`user show\`
  --expires   the last day on which they can be spent, Moscow time, such as 2026-12-31; default: they never end
  --key       the same key never grants twice, so that a script may be run again; default: a fresh one each time

Works beside a running server; an open app shows the new balance within seconds.

Examples:
  atelier user grant 123456789 20
  atelier user grant 123456789 5 --reason "lost a picture on Monday" --key ticket-4711
  atelier user grant 123456789 10 --expires 2026-12-31`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { kind: "string", reason: "string", expires: "string", key: "string" },
      words: ["telegram_id", "credits"],
    });
    const telegramId = telegramIdFrom(words[0]);
    const order = {
      credits: wholeNumberFrom(words[1], "<credits>", { min: 1, max: CREDITS_MAX }),
      kind: oneOfFrom(values.kind ?? "gift", "--kind", KINDS),
      source: `operator:${keyFrom(values.key)}`,
      reason: reasonFrom(values.reason),
      expiresAt: values.expires === undefined ? undefined : dayEndFrom(values.expires, "--expires"),
    };
    return withContext(async (ctx) => {
      const user = await personOf(ctx, telegramId);
      if (order.expiresAt !== undefined && order.expiresAt <= ctx.clock.now()) {
        throw new OperatorError(`--expires must be today or later, not "${values.expires}".`);
      }
      const isGranted = await grantCredits(ctx, { userId: user.id, ...order });
      if (!isGranted) await requireSameGrant(ctx, user, order);
      const now = await findUser(ctx, user.id);
      const end = order.expiresAt === undefined ? "" : `, to be spent before ${shownMoment(order.expiresAt)}`;
      const grant = `${order.credits} ${order.kind} credits to ${telegramId}${end}`;
      print(isGranted ? `Granted ${grant}.` : `Granted earlier with the same key: ${grant}. Nothing changed.`);
      print(`Balance: ${now?.balanceCredits ?? 0} credits. Key: ${order.source.slice("operator:".length)}`);
      return 0;
    });
  },
};

interface Order {
  credits: number;
  kind: (typeof KINDS)[number];
  source: string;
  expiresAt: Date | undefined;
}

/** A key that was used for something else is a mistake of whoever typed it, and must not look like success. */
async function requireSameGrant(ctx: Context, user: User, order: Order): Promise<void> {
  const [earlier] = await ctx.db.select().from(creditGrants).where(eq(creditGrants.source, order.source));
  invariant(earlier, "a grant that was refused as a repetition exists");
  const isSame =
    earlier.userId === user.id &&
    earlier.credits === order.credits &&
    earlier.kind === order.kind &&
    earlier.expiresAt?.getTime() === order.expiresAt?.getTime();
  if (isSame) return;
  const owner = await findUser(ctx, earlier.userId);
  throw new OperatorError(
    `This key was used on ${shownMoment(earlier.createdAt)} for another grant: ${earlier.credits} ${earlier.kind} credits ` +
      `to ${owner?.telegramId ?? earlier.userId}. Nothing changed; take another --key.`,
  );
}

function keyFrom(text: string | undefined): string {
  if (text === undefined) return newId();
  if (KEY.test(text)) return text;
  throw new OperatorError("--key must be 1 to 100 visible ASCII characters without spaces.");
}

function reasonFrom(text: string | undefined): string | undefined {
  const reason = text?.replaceAll(/\s+/g, " ").trim();
  if (reason !== undefined && reason.length > REASON_LENGTH_MAX) {
    throw new OperatorError(`--reason must have at most ${REASON_LENGTH_MAX} characters.`);
  }
  return reason === "" ? undefined : reason;
}
