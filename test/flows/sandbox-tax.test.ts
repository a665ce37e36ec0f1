import { expect, test } from "bun:test";
import { findPayment, journalOf, monthReports, refundPayment } from "../../src/features/billing/index.ts";
import { moscowMonth } from "../../src/platform/moscow.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { startSandboxServer } from "../support/sandbox-server.ts";
import { until } from "../support/until.ts";

const GOOD_CARD = "5555555555554444";

test("in the sandbox a sale is registered by itself, its receipt is shown, a refund replaces it, and both sides' months agree", async () => {
  const { base, ctx, sandbox, signIn, stop } = await startSandboxServer();
  try {
    const headers = await signIn(77);
    const body = JSON.stringify({ product: "pack_60" });
    const created = await fetch(`${base}/api/v1/payments/create`, { method: "POST", headers, body });
    const { payment } = (await created.json()) as { payment: { id: string; confirmation_url: string } };
    await fetch(payment.confirmation_url, { method: "POST", body: new URLSearchParams({ card: GOOD_CARD }) });
    const view = async () =>
      (await (await fetch(`${base}/api/v1/payments/${payment.id}`, { headers })).json()) as {
        status: string;
        receipt_url?: string;
      };
    await until(async () => (await view()).status === "succeeded", "the payment arrives");
    // The schedule does this once a minute.
    await enqueue(ctx, "tax.file", {});
    await until(async () => (await view()).receipt_url !== undefined, "the sale is registered");
    const receipt = await (await fetch((await view()).receipt_url ?? "")).text();
    expect(receipt).toContain("399.00 ₽");
    expect(receipt).toContain("SANDBOX");

    const paid = await findPayment(ctx, payment.id);
    if (!paid) throw new Error("the payment is there");
    await refundPayment(ctx, { payment: paid, amountKopecks: 19_901, reason: "half" });
    const counts = () => sandbox.lknpd.stats().counts;
    await enqueue(ctx, "tax.file", {});
    await until(
      async () => counts().cancelled === 1 && counts().receipts === 2,
      "the refund reaches the tax service",
      10_000,
    );
    const month = moscowMonth(new Date());
    const [ours] = monthReports(await journalOf(ctx, month.slice(0, 4)));
    const page = await fetch(`${base}/sandbox/lknpd/_summary?format=json`);
    const [theirs] = (await page.json()) as { month: string; individuals_kopecks: number; tax_kopecks: number }[];
    expect([ours?.month, ours?.base_kopecks, ours?.tax_estimate_kopecks]).toEqual([month, 19_999, 800]);
    expect(theirs).toMatchObject({ month, receipts: 1, cancelled: 1, individuals_kopecks: 19_999, tax_kopecks: 800 });
  } finally {
    await stop();
  }
}, 60_000);
