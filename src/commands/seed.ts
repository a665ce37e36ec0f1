import { seed } from "../features/admin/index.ts";
import { systemClock } from "../platform/clock.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, readArguments, wholeNumberFrom, withContext } from "./command.ts";

const USAGE =
  "Usage: atelier seed [--people <number>] [--payments <number>] [--generations <number>] [--turns <number>] [--days <number>] [--seed <number>]";
const ROWS_MAX = 10_000_000;
const DAYS_MAX = 3_650;

export const seedCommand: Command = {
  name: "seed",
  summary: "fill an empty database with made-up people, for measurements",
  help: `${USAGE}

  --people        how many; default 1000
  --payments      of all of them; default 1500
  --generations   pictures of all of them; default 5000
  --turns         questions to the assistant of all of them; default 7000
  --days          how many days back the history goes; default 730
  --seed          the same number makes the same people; default 1

Only into a database in which nobody is stored, and never where a real shop is set up. The credit ledger adds up; no file
stands behind a picture, and the bot writes to none of these people.

Examples:
  atelier seed
  atelier seed --people 100000 --payments 150000 --generations 1000000 --turns 1450000`,
  async run(args) {
    const { values } = readArguments(args, {
      usage: USAGE,
      options: {
        people: "string",
        payments: "string",
        generations: "string",
        turns: "string",
        days: "string",
        seed: "string",
      },
    });
    const count = (text: string | undefined, name: string, fallback: number) =>
      wholeNumberFrom(text ?? String(fallback), name, { min: 0, max: ROWS_MAX });
    const order = {
      people: wholeNumberFrom(values.people ?? "1000", "--people", { min: 1, max: ROWS_MAX }),
      payments: count(values.payments, "--payments", 1_500),
      generations: count(values.generations, "--generations", 5_000),
      turns: count(values.turns, "--turns", 7_000),
      days: wholeNumberFrom(values.days ?? "730", "--days", { min: 1, max: DAYS_MAX }),
      seed: count(values.seed, "--seed", 1),
    };
    return withContext(async (ctx) => {
      if (ctx.settings.YOOKASSA_SECRET_KEY.startsWith("live_")) {
        throw new OperatorError(
          "A real shop is set up here (YOOKASSA_SECRET_KEY): nothing is made up beside real money.",
        );
      }
      const startedAt = systemClock.now().getTime();
      await seed(ctx, order);
      const seconds = Math.round((systemClock.now().getTime() - startedAt) / 1000);
      print(
        `Made up ${order.people} people with ${order.payments} payments, ${order.generations} pictures and ${order.turns} questions in ${seconds} s.`,
      );
      return 0;
    });
  },
};
