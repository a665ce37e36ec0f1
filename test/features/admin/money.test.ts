import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { payments, refunds, verifyLedger } from "../../../src/features/billing/index.ts";
import { paidFor } from "../../support/buying.ts";
import { usePanelTeam } from "../../support/panel-team.ts";

const panel = usePanelTeam();

describe("what an operator does about money", () => {
  test("half a payment is given back as the preview says, once for a key, and the month's journal follows", async () => {
    const { app, team, ask, trailOf } = panel();
    const { ctx, signIn, yooKassa } = app;
    const person = await signIn();
    const payment = await paidFor(app, person);
    const preview = (await ask(`/payments/${payment.id}/refund?amount_kopecks=19950`)).body;
    expect(preview).toMatchObject({
      amount_kopecks: 19_950,
      rest_kopecks: 19_950,
      credits_revoked: 30,
      tax_after_kopecks: 798,
    });
    const before = yooKassa.stats().refunds.length;
    const body = { amount_kopecks: 19_950, reason: "half unused" };
    const refund = () =>
      ask(`/payments/${payment.id}/refund`, body, team.owner, { "idempotency-key": "refund-key-of-1!" });
    const trail = await trailOf(async () => {
      const first = await refund();
      expect(first.body).toMatchObject({
        refund: { status: "succeeded", credits_revoked: 30 },
        payment: { refunded_kopecks: 19_950, tax_kopecks: 798 },
      });
      expect((await refund()).body).toEqual(first.body);
    });
    expect(trail).toMatchObject([
      {
        action: "payment.refund",
        personId: person.id,
        before: { refunded_kopecks: 0 },
        after: { amount_kopecks: 19_950, credits_revoked: 30 },
      },
    ]);
    expect(yooKassa.stats().refunds).toHaveLength(before + 1);
    const tooMuch = await trailOf(async () => {
      const { status, body: problem } = await ask(`/payments/${payment.id}/refund`, {
        amount_kopecks: 30_000,
        reason: "too much",
      });
      expect([status, problem.code]).toEqual([422, "validation_failed"]);
    });
    expect(tooMuch).toEqual([]);
    expect(await ctx.db.select().from(refunds).where(eq(refunds.paymentId, payment.id))).toHaveLength(1);
    const card = (await ask(`/payments/${payment.id}`)).body;
    expect(card).toMatchObject({ credits_left: 30, refundable_kopecks: 19_950 });
    expect((card.tax_entries as { state: string }[]).map((entry) => entry.state)).toEqual(["annulled", "ready"]);
    expect((await verifyLedger(ctx)).differences).toEqual([]);
  });

  test("a sale is marked as registered, and after its refund as annulled, each once", async () => {
    const { app, ask, trailOf } = panel();
    const { signIn } = app;
    const payment = await paidFor(app, await signIn());
    const entry = ((await ask(`/payments/${payment.id}`)).body.tax_entries as { id: string }[])[0]?.id;
    const trail = await trailOf(async () => {
      const register = () => ask(`/tax/entries/${entry}/register`, { receipt: "20ab3kq9zx", reason: "by hand" });
      expect((await register()).body).toMatchObject({ state: "registered", receipt: "20ab3kq9zx" });
      expect((await register()).body.code).toBe("already_finished");
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body.code).toBe("already_finished");
      await ask(`/payments/${payment.id}/refund`, { amount_kopecks: payment.amountKopecks, reason: "all of it" });
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body).toMatchObject({
        state: "annulled",
        annul_due: false,
      });
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body.code).toBe("already_finished");
    });
    expect(trail.map((one) => one.action)).toEqual(["tax.annul", "payment.refund", "tax.register"]);
    expect(trail[0]).toMatchObject({ before: { annul_due: true }, after: { annul_due: false } });
  });

  test("lists take their filters, and the CSV has every row once, nothing of it a formula", async () => {
    const { app, team, ask } = panel();
    const { ctx, signIn, request } = app;
    const person = await signIn();
    const paid = [await paidFor(app, person, "pack_20"), await paidFor(app, person, "pack_60")];
    await ctx.db
      .update(payments)
      .set({ cancelReason: '=HYPERLINK("http://x","y")', flagged: "+1,2" })
      .where(eq(payments.id, paid[0]?.id ?? ""));
    const ids = async (query: string) => ((await ask(`/payments?${query}`)).body.items ?? []).map((one) => one.id);
    expect(await ids(`person=${person.id}`)).toEqual([paid[1]?.id, paid[0]?.id]);
    expect(await ids(`person=${person.id}&product=pack_20`)).toEqual([paid[0]?.id]);
    expect(await ids(`person=${person.id}&status=pending`)).toEqual([]);
    expect(await ids(`person=${person.id}&from=2020-01-01&to=2020-12-31`)).toEqual([]);
    expect(await ids("flagged=true")).toEqual([paid[0]?.id]);
    expect(await ids("person=nobody")).toEqual([]);
    expect((await ask("/payments?from=2026-02-31")).body.code).toBe("validation_failed");
    const response = await request(`/admin/payments/export?person=${person.id}`, { as: team.owner });
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="payments.csv"');
    // Decoding takes the byte order mark away.
    const lines = (await response.text()).split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toStartWith("id,created_moscow,");
    expect(lines[2]).toContain(`"'=HYPERLINK(""http://x"",""y"")","'+1,2",yes`);
    expect(lines.slice(1, 3).map((line) => line.split(",")[0])).toEqual([paid[1]?.id, paid[0]?.id]);
  });
});
