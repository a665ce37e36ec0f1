import type { Context } from "../context.ts";
import { SUBSCRIPTION_TYPES } from "../features/profile/index.ts";
import {
  createPromoCode,
  listPromoCodes,
  type PromoCode,
  type PromoEffect,
  promoStateOf,
  stopPromoCode,
} from "../features/promo/index.ts";
import { OperatorError } from "../platform/errors.ts";
import {
  type Command,
  dayEndFrom,
  oneOfFrom,
  print,
  printJson,
  readArguments,
  shownMoment,
  table,
  wholeNumberFrom,
  withContext,
} from "./command.ts";

const CREDITS_MAX = 100_000;
const USES_MAX = 1_000_000;
const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 10_000;

const DAYS_MAX = 366;

const CREATE_USAGE =
  "Usage: atelier promo create --credits <number> | --days <number> --plan <plan> [--uses <number>] [--until <date>] [--code <text>]";

export const promoCreateCommand: Command = {
  name: "promo create",
  summary: "make a promo code that gives credits or days of a plan",
  help: `${CREATE_USAGE}

  --credits   what each person gets; these credits never end
  --days      or days of the plan, with that share of its credits; a running subscription lasts so much longer
  --plan      ${SUBSCRIPTION_TYPES.join(", ")}
  --uses      for how many people it is; default: 1
  --until     the last day on which it can be used, Moscow time, such as 2026-12-31; default: it does not end
  --code      4 to 32 letters (Latin or Cyrillic) and digits, in any case; default: a random one

A person uses a code once. A code that many can guess is soon used by those it was not meant for: give it few uses and
an end, or take the random one.

Examples:
  atelier promo create --credits 20
  atelier promo create --days 7 --plan basic --uses 10
  atelier promo create --credits 5 --code SPRING2026 --uses 300 --until 2026-05-31`,
  async run(args) {
    const { values } = readArguments(args, {
      usage: CREATE_USAGE,
      options: { credits: "string", days: "string", plan: "string", uses: "string", until: "string", code: "string" },
    });
    const wanted = {
      code: values.code,
      effect: effectFrom(values),
      usesMax: wholeNumberFrom(values.uses ?? "1", "--uses", { min: 1, max: USES_MAX }),
      expiresAt: values.until === undefined ? undefined : dayEndFrom(values.until, "--until"),
      createdBy: "command",
    };
    return withContext(async (ctx) => {
      if (wanted.expiresAt !== undefined && wanted.expiresAt <= ctx.clock.now()) {
        throw new OperatorError(`--until must be today or later, not "${values.until}".`);
      }
      const made = await createPromoCode(ctx, wanted);
      const end = made.expiresAt === null ? "" : `, before ${shownMoment(made.expiresAt)}`;
      print(
        `Made ${made.code}: ${effectOf(made)}, for ${made.usesMax} ${made.usesMax === 1 ? "person" : "people"}${end}.`,
      );
      return 0;
    });
  },
};

function effectFrom({ credits, days, plan }: { credits?: string; days?: string; plan?: string }): PromoEffect {
  if (credits !== undefined && days === undefined && plan === undefined) {
    return { credits: wholeNumberFrom(credits, "--credits", { min: 1, max: CREDITS_MAX }) };
  }
  if (credits === undefined && days !== undefined && plan !== undefined) {
    return {
      days: wholeNumberFrom(days, "--days", { min: 1, max: DAYS_MAX }),
      plan: oneOfFrom(plan, "--plan", SUBSCRIPTION_TYPES),
    };
  }
  throw new OperatorError(`Say what the code gives: either --credits, or --days with --plan.\n${CREATE_USAGE}`);
}

const LIST_USAGE = "Usage: atelier promo list [--limit <number>] [--json]";

export const promoListCommand: Command = {
  name: "promo list",
  summary: "promo codes: what they give, how often they were used",
  help: `${LIST_USAGE}

  --limit   show at most this many, the newest first; default ${LIMIT_DEFAULT}
  --json    for a program`,
  async run(args) {
    const { values } = readArguments(args, { usage: LIST_USAGE, options: { limit: "string", json: "boolean" } });
    const limit = wholeNumberFrom(values.limit ?? String(LIMIT_DEFAULT), "--limit", { min: 1, max: LIMIT_MAX });
    return withContext(async (ctx) => {
      const codes = await listPromoCodes(ctx, { before: null, limit });
      if (values.json) printJson(codes.map((code) => viewOf(ctx, code)));
      else if (codes.length === 0) print("There are no promo codes. Make one with: atelier promo create");
      else {
        const heading = ["code", "gives", "used", "state", "until", "made", "by"];
        print(
          table(
            heading,
            codes.map((code) => cellsOf(ctx, code)),
          ),
        );
      }
      return 0;
    });
  },
};

const STOP_USAGE = "Usage: atelier promo stop <code>";

export const promoStopCommand: Command = {
  name: "promo stop",
  summary: "stop a promo code for good; what it gave stays",
  help: `${STOP_USAGE}

Example:
  atelier promo stop SPRING2026`,
  async run(args) {
    const { words } = readArguments(args, { usage: STOP_USAGE, words: ["code"] });
    return withContext(async (ctx) => {
      const stopped = await stopPromoCode(ctx, words[0]);
      if (!stopped) throw new OperatorError(`There is no promo code "${words[0]}".`);
      const { code, isNew } = stopped;
      const used = `It was used ${code.uses} of ${code.usesMax} times.`;
      print(
        isNew ? `Stopped ${code.code}. ${used}` : `${code.code} was stopped on ${shownMoment(code.stoppedAt)}. ${used}`,
      );
      return 0;
    });
  },
};

function effectOf(code: PromoCode): string {
  return code.credits === null ? `${code.days} days of ${code.plan}` : `${code.credits} credits`;
}

function cellsOf(ctx: Pick<Context, "clock">, code: PromoCode): string[] {
  return [
    code.code,
    effectOf(code),
    `${code.uses} of ${code.usesMax}`,
    promoStateOf(code, ctx.clock.now()),
    shownMoment(code.expiresAt),
    shownMoment(code.createdAt),
    code.createdBy,
  ];
}

function viewOf(ctx: Pick<Context, "clock">, code: PromoCode) {
  return {
    code: code.code,
    credits: code.credits,
    plan: code.plan,
    days: code.days,
    uses: code.uses,
    uses_max: code.usesMax,
    state: promoStateOf(code, ctx.clock.now()),
    expires_at: code.expiresAt?.toISOString() ?? null,
    stopped_at: code.stoppedAt?.toISOString() ?? null,
    created_by: code.createdBy,
    created_at: code.createdAt.toISOString(),
  };
}
