import { expect, test } from "bun:test";
import { start } from "../../src/commands/serve.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { createTestDatabase } from "../support/database.ts";
import { freePort } from "../support/processes.ts";
import { until } from "../support/until.ts";

const GOOD_CARD = "5555555555554444";
const POOR_CARD = "5555555555554600";

test("in the sandbox a pack is bought on the pay page behind the server's own port, and the credits arrive", async () => {
  const database = await createTestDatabase();
  const port = await freePort();
  const values: Record<string, string> = {
    PORT: String(port),
    HOST: "127.0.0.1",
    DATA_DIR: database.dataFolder,
    LOG_LEVEL: "silent",
    ...(database.url === "" ? {} : { DATABASE_URL: database.url }),
  };
  const environment = new Map<string, EnvironmentValue>(
    Object.entries(values).map(([name, value]) => [name, { value, source: "environment" }]),
  );
  const sandbox = await startSandbox({ environment });
  const { settings } = loadSettings(sandbox.environment, { serving: true });
  const running = await start(settings, "all", sandbox);
  try {
    const base = `http://127.0.0.1:${port}`;
    const launch = (await (await fetch(`${base}/sandbox/init-data?telegram_id=77`)).json()) as { init_data: string };
    const signIn = await fetch(`${base}/api/v1/auth/telegram`, {
      method: "POST",
      headers: { authorization: `tma ${launch.init_data}` },
    });
    const { access_token } = (await signIn.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
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
    await until(async () => (await balance()).credits === 60, "the credits arrive", 10_000);
    const shown = (await (await fetch(`${base}/api/v1/payments/${payment.id}`, { headers })).json()) as object;
    expect(shown).toMatchObject({ status: "succeeded", amount: "399.00", test: true });
  } finally {
    await running.stop();
    await sandbox.stop();
    await database.remove();
  }
}, 30_000);
