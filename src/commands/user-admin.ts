import type { Context } from "../context.ts";
import { makeOperatorLink, OPERATOR_LINK_MINUTES, OPERATOR_ROLES, roleOf, setRole } from "../features/auth/index.ts";
import type { User } from "../features/profile/index.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, oneOfFrom, print, readArguments, withContext } from "./command.ts";
import { personOf, telegramIdFrom } from "./user.ts";

const USAGE =
  "Usage: atelier user admin <telegram_id> [--role owner|support|viewer|none] [--reason <text>] | atelier user admin <telegram_id> --link";
const REASON_LENGTH_MAX = 500;

export const userAdminCommand: Command = {
  name: "user admin",
  summary: "who may open the owner's panel, and a link to it for a desk",
  help: `${USAGE}

  --role     owner may do everything; support sees everything, gives credits, blocks, writes to people, mends pictures;
             viewer only looks; none takes the role away, at once
  --reason   why; it stands in the audit trail
  --link     print a link that signs this operator in at a desk, once, within ${OPERATOR_LINK_MINUTES} minutes

Without an option it says what the person is. Whom ADMIN_TELEGRAM_IDS names is an owner whatever is said here.
Whoever holds the link is that operator: send it to nobody else. A new one ends the one before.

Examples:
  atelier user admin 123456789 --role support --reason "answers people in the evenings"
  atelier user admin 123456789 --link`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { role: "string", reason: "string", link: "boolean" },
      words: ["telegram_id"],
    });
    const telegramId = telegramIdFrom(words[0]);
    const role = values.role === undefined ? undefined : oneOfFrom(values.role, "--role", [...OPERATOR_ROLES, "none"]);
    const reason = reasonFrom(values.reason);
    if (role !== undefined && values.link) throw new OperatorError(`--role and --link are two commands.\n${USAGE}`);
    return withContext(async (ctx) => {
      const person = await personOf(ctx, telegramId);
      if (role !== undefined) await giveRole(ctx, person, role === "none" ? null : role, reason);
      else if (values.link) await printLink(ctx, person, reason);
      else print(`${telegramId} is ${(await roleOf(ctx, person)) ?? "no operator"}.`);
      return 0;
    });
  },
};

async function giveRole(
  ctx: Context,
  person: User,
  role: (typeof OPERATOR_ROLES)[number] | null,
  reason: string,
): Promise<void> {
  const before = await setRole(ctx, { operatorId: null, userId: person.id, role, reason });
  const now = await roleOf(ctx, person);
  print(`${person.telegramId} was ${before ?? "no operator"} and is ${now ?? "no operator"} now.`);
  if (now !== role) print("ADMIN_TELEGRAM_IDS names them, so they stay an owner until it does no more.");
}

async function printLink(ctx: Context, person: User, reason: string): Promise<void> {
  if ((await roleOf(ctx, person)) === null) {
    throw new OperatorError(`${person.telegramId} is no operator. Give a role first: atelier user admin --help`);
  }
  if (ctx.settings.PUBLIC_URL === "")
    throw new OperatorError("PUBLIC_URL is not set, so there is no address to link to.");
  const token = await makeOperatorLink(ctx, { operatorId: null, userId: person.id, reason });
  print(`${ctx.settings.PUBLIC_URL}/admin#link=${token}`);
}

function reasonFrom(text: string | undefined): string {
  const reason = text?.replaceAll(/\s+/g, " ").trim() ?? "";
  if (reason.length > REASON_LENGTH_MAX) {
    throw new OperatorError(`--reason must have at most ${REASON_LENGTH_MAX} characters.`);
  }
  return reason === "" ? "by the owner's command" : reason;
}
