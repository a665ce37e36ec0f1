import {
  findPayment,
  type Payment,
  previewRefund,
  type RefundPreview,
  refundPayment,
  refundUnder,
} from "../features/billing/index.ts";
import { OperatorError } from "../platform/errors.ts";
import { kopecksToText, textToKopecks } from "../platform/money.ts";
import { type Command, print, readArguments, table, withContext } from "./command.ts";

const USAGE = "Usage: atelier refund <payment> [--amount <roubles>] [--reason <text>] [--key <text>] [--dry-run]";

export const refundCommand: Command = {
  name: "refund",
  summary: "give money back for a payment, whole or in part",
  help: `${USAGE}

  <payment>   our id of the payment, or the provider's
  --amount    roubles such as 74.50; default: all that is left
  --reason    why, for the books
  --key       the same key again is the same refund, so repeating the command is harmless; letters, digits, - and _
  --dry-run   say what would happen, and do nothing

Takes back the unused credits of that purchase, annuls or replaces the tax entry, and asks the provider to send the
money. The commission is not given back by the provider.

Examples:
  atelier refund 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --dry-run
  atelier refund 0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b --amount 74.50 --reason "half unused"`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      words: ["payment"],
      options: { amount: "string", reason: "string", key: "string", "dry-run": "boolean" },
    });
    return withContext(async (ctx) => {
      const payment = await findPayment(ctx, words[0]);
      if (!payment) throw new OperatorError(`There is no payment ${words[0]}.`);
      const earlier = values.key === undefined ? null : await refundUnder(ctx, values.key);
      const leftKopecks = earlier?.amountKopecks ?? payment.amountKopecks - payment.refundedKopecks;
      const amountKopecks = values.amount === undefined ? leftKopecks : roubles(values.amount);
      if (earlier)
        print(`Under this key ${kopecksToText(earlier.amountKopecks)} ₽ were ordered to be given back before.`);
      else print(previewTable(payment, await previewRefund(ctx, payment, amountKopecks)));
      if (values["dry-run"]) return 0;
      const refund = await refundPayment(ctx, {
        payment,
        amountKopecks,
        reason: values.reason ?? "by the owner's command",
        ...(values.key === undefined ? {} : { key: values.key }),
      });
      print(
        `\nThe refund is ${refund.status}${refund.status === "pending" ? "; the server asks again until it has ended" : ""}.`,
      );
      return refund.status === "cancelled" ? 1 : 0;
    });
  },
};

function roubles(text: string): number {
  const kopecks = textToKopecks(/\./.test(text) ? text : `${text}.00`);
  if (kopecks === undefined) throw new OperatorError(`--amount must be roubles such as 149 or 74.50, not "${text}".`);
  return kopecks;
}

function previewTable(payment: Payment, preview: RefundPreview): string {
  const money = (kopecks: number) => `${kopecksToText(kopecks)} ₽`;
  return table(
    ["what", "value"],
    [
      ["paid", money(payment.amountKopecks)],
      ["given back before", money(preview.refundedKopecks)],
      ["given back now", money(preview.amountKopecks)],
      ["stays paid", money(preview.restKopecks)],
      ["credits taken back", String(preview.creditsRevoked)],
      ["credits used, kept", String(preview.creditsUsed)],
      ["tax, before and after", `${money(preview.taxBeforeKopecks)} -> ${money(preview.taxAfterKopecks)}`],
      ["commission lost", money(preview.commissionLostKopecks)],
      ...subscriptionLine(preview),
    ],
  );
}

function subscriptionLine({ subscription }: RefundPreview): string[][] {
  if (subscription === null) return [];
  const { endsAtBefore, endsAtAfter, ends } = subscription;
  const until = ends ? "ends now" : `until ${endsAtAfter.toISOString()}`;
  return [["subscription", `until ${endsAtBefore.toISOString()} -> ${until}`]];
}
