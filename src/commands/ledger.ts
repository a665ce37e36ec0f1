import { verifyLedger } from "../features/billing/index.ts";
import { type Command, print, printJson, readArguments, table, withContext } from "./command.ts";

const USAGE = "Usage: atelier ledger verify [--json]";

export const ledgerVerifyCommand: Command = {
  name: "ledger verify",
  summary: "recompute every person's credits from the journal",
  help: `${USAGE}

  --json   the differences for a program

Adds up entries, grants and holds of every person and compares them with the balance and the reserved credits. Works
beside a running server, which does the same every night. Ends with 1 and a table when something differs.

Example:
  atelier ledger verify && echo "all is well"`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { json: "boolean" } });
    const report = await withContext(verifyLedger);
    const { differences, people } = report;
    if (values.json) printJson(report);
    else if (differences.length === 0) print(`The credits of all ${people} people add up.`);
    else {
      print(`${differences.length} differences among ${people} people:\n`);
      print(
        table(
          ["telegram id", "person", "what", "expected", "found"],
          differences.map((one) => [
            String(one.telegram_id),
            one.user_id,
            one.what,
            String(one.expected),
            String(one.found),
          ]),
        ),
      );
      print(
        "\nNobody but the program writes these numbers: find out what else wrote to the database before mending them.",
      );
    }
    return differences.length === 0 ? 0 : 1;
  },
};
