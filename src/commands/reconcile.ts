import { RECONCILE_DAYS, reconcile } from "../features/billing/index.ts";
import { type Command, print, printJson, readArguments, table, withContext } from "./command.ts";

const USAGE = "Usage: atelier reconcile [--json]";

export const reconcileCommand: Command = {
  name: "reconcile",
  summary: "ask the payment provider about open payments and refunds now",
  help: `${USAGE}

  --json   the counts for a program

Asks about every open order, then compares the provider's payments and refunds of the last ${RECONCILE_DAYS} days with the orders here.
What was paid is credited, what was refunded in the cabinet is booked; doing it twice changes nothing. The server does the
same by itself, more slowly. Ends with 1 when the provider knows payments that belong to no order.`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { json: "boolean" } });
    const report = await withContext(reconcile);
    if (values.json) printJson(report);
    else {
      print(
        table(
          ["count", "what"],
          [
            [String(report.open_orders), "open orders asked about"],
            [String(report.provider_payments), "payments at the provider"],
            [String(report.provider_refunds), "refunds at the provider"],
            [String(report.without_order.length), "of them without an order here"],
          ],
        ),
      );
      for (const id of report.without_order) print(`  ${id}`);
    }
    return report.without_order.length > 0 ? 1 : 0;
  },
};
