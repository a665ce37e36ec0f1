import { expect, test } from "bun:test";
import { startSandboxServer } from "../support/sandbox-server.ts";
import { until } from "../support/until.ts";

const GOOD_CARD = "5555555555554444";
const POOR_CARD = "5555555555554600";

test("in the sandbox a pack is bought on the pay page behind the server's own port, and the credits arrive", async () => {
  const { base, signIn, stop } = await startSandboxServer();
  try {
    const headers = await signIn(77);
    const created = await fetch(`${base}/api/v1/payments/create`, {
      method: "POST",
      headers,
      body: JSON.stringify({ product: "pack_60" }),
    });
    const { payment } = (await created.json()) as { payment: { id: string; confirmation_url: string } };
    expect(payment.confirmation_url).toStartWith(`${base}/sandbox/yookassa/pay/`);
    const page = await (await fetch(payment.confirmation_url)).text();
    expect(page).toContain("SANDBOX");

    const press = (card: string) =>
      fetch(payment.confirmation_url, { method: "POST", body: new URLSearchParams({ card }), redirect: "manual" });
    await press(POOR_CARD);
    const balance = async () =>
      (await (await fetch(`${base}/api/v1/balance`, { headers })).json()) as { credits: number };
    expect((await balance()).credits).toBe(0);
    const paid = await press(GOOD_CARD);
    expect([200, 302, 303]).toContain(paid.status);
    await until(async () => (await balance()).credits === 60, "the credits arrive");
    const shown = (await (await fetch(`${base}/api/v1/payments/${payment.id}`, { headers })).json()) as object;
    expect(shown).toMatchObject({ status: "succeeded", amount: "399.00", test: true });
  } finally {
    await stop();
  }
}, 60_000);
