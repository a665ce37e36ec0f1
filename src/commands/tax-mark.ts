import { markAnnulled, markRegistered, resumeTax } from "../features/billing/index.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, readArguments, withContext } from "./command.ts";

const MARK_USAGE = "Usage: atelier tax mark <entry> [--receipt <number or link>] [--annulled]";
const RESUME_USAGE = "Usage: atelier tax resume";

export const taxMarkCommand: Command = {
  name: "tax mark",
  summary: "mark an entry as registered, or an annulled one as annulled, in «Мой налог»",
  help: `${MARK_USAGE}

  --receipt    the receipt's number, or its https link, which the buyer then sees
  --annulled   the registered receipt of a refunded sale was annulled there

Works beside the connector too: what is marked is neither sent nor annulled by it any more.

Examples:
  atelier tax mark 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --receipt 20ab3kq9zx
  atelier tax mark 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --annulled`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: MARK_USAGE,
      words: ["entry"],
      options: { receipt: "string", annulled: "boolean" },
    });
    if ((values.receipt === undefined) === (values.annulled === undefined)) {
      throw new OperatorError(`Give either --receipt or --annulled.\n${MARK_USAGE}`);
    }
    return withContext(async (ctx) => {
      const isMarked =
        values.receipt === undefined
          ? await markAnnulled(ctx, words[0])
          : await markRegistered(ctx, words[0], values.receipt);
      if (!isMarked) throw new OperatorError(`There is no entry ${words[0]} for which that is due.`);
      print("Marked.");
      return 0;
    });
  },
};

export const taxResumeCommand: Command = {
  name: "tax resume",
  summary: "let the connector to «Мой налог» try again, after a refused login or sale was looked into",
  help: `${RESUME_USAGE}

A refused login stops the connector, because the cabinet locks those who try passwords; a refused sale lies aside. Once the
cause is mended (a new MY_TAX_PASSWORD needs no resuming), this lets the server go on within a minute. Nothing is registered
twice by it: what may have arrived is looked up first.`,
  async run(args) {
    readArguments(args, { usage: RESUME_USAGE });
    const entries = await withContext(resumeTax);
    print(`The connector goes on within a minute; ${entries} entries that lay aside are taken up again.`);
    return 0;
  },
};
