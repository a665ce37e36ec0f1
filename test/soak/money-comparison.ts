import type { Context } from "../../src/context.ts";
import { payments, refunds, taxEntries } from "../../src/features/billing/index.ts";
import type { Stage } from "./stage.ts";

type Remote = { id: string; status: string; amount: { value: string }; payment_id?: string };

/** What our statuses are called there. */
const STATUS: Readonly<Record<string, string>> = { pending: "pending", succeeded: "succeeded", cancelled: "canceled" };

/** Where our orders and refunds and the shop's differ: each one, its status and its sum. */
export async function shopDifferences({ shop }: Stage, ctx: Context): Promise<string[]> {
  const there = shop.stats();
  return [
    ...pairs("payment", await ctx.db.select().from(payments), there.payments as unknown as Remote[]),
    ...pairs("refund", await ctx.db.select().from(refunds), there.refunds as unknown as Remote[]),
  ];
}

interface Ours {
  id: string;
  yookassaId: string | null;
  status: string;
  amountKopecks: number;
}

function pairs(what: string, ours: readonly Ours[], theirs: readonly Remote[]): string[] {
  const found: string[] = [];
  const left = new Map(theirs.map((remote) => [remote.id, remote]));
  for (const { id, yookassaId, status, amountKopecks } of ours) {
    if (yookassaId === null) {
      if (status !== "cancelled") found.push(`${what} ${id} is ${status} and unknown to the shop`);
      continue;
    }
    const remote = left.get(yookassaId);
    left.delete(yookassaId);
    if (remote === undefined) {
      found.push(`${what} ${id} is not at the shop, or twice here`);
      continue;
    }
    const kopecks = Math.round(Number(remote.amount.value) * 100);
    if (kopecks !== amountKopecks) found.push(`${what} ${id}: ${amountKopecks} kopecks here, ${kopecks} there`);
    if (STATUS[status] !== remote.status) found.push(`${what} ${id} is ${status} here and ${remote.status} there`);
  }
  return [...found, ...[...left.keys()].map((id) => `${what} ${id} of the shop is not known here`)];
}

/** Where the tax journal and the receipts of the tax service differ. */
export async function taxDifferences({ lknpd }: Stage, ctx: Context): Promise<string[]> {
  const found: string[] = [];
  const standing = new Map<string, Record<string, unknown>>();
  for (const receipt of lknpd.stats().receipts) {
    if (receipt.cancellationInfo === null) standing.set(String(receipt.approvedReceiptUuid), receipt);
  }
  const registered = (await ctx.db.select().from(taxEntries)).filter(({ state }) => state === "registered");
  for (const { id, receiptNumber, grossKopecks } of registered) {
    const receipt = standing.get(receiptNumber ?? "");
    standing.delete(receiptNumber ?? "");
    const kopecks = Math.round(Number(receipt?.totalAmount ?? 0) * 100);
    if (receipt === undefined) found.push(`tax entry ${id} is registered and has no receipt that stands`);
    else if (kopecks !== grossKopecks) found.push(`tax entry ${id}: ${grossKopecks} kopecks here, ${kopecks} there`);
  }
  return [...found, ...[...standing.keys()].map((number) => `receipt ${number} belongs to no registered entry`)];
}
