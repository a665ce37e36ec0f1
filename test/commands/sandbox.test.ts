import { afterAll, describe, expect, test } from "bun:test";
import { parseEnv } from "node:util";
import { checkSettings } from "../../src/platform/config/load.ts";
import { runProgram, startProgram } from "./program.ts";

const run = startProgram(["sandbox", "--port", "0"], {
  // A real key in the surroundings does no harm and appears nowhere.
  environment: { PORT: "3456", KIE_API_KEY: "a-real-key-0123456789" },
});
afterAll(() => run.kill("SIGKILL"));

/** What the sandbox prints before it waits. */
async function firstOutput(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of run.stdout) {
    text += decoder.decode(piece, { stream: true });
    if (text.includes("Ctrl+C")) return text;
  }
  throw new Error(`the sandbox ended with: ${text}${await new Response(run.stderr).text()}`);
}

describe("atelier sandbox", () => {
  test("prints settings that a server can start with, plays the providers, and ends on SIGTERM", async () => {
    const text = await firstOutput();
    expect(text).not.toContain("a-real-key");
    const printed = parseEnv(text) as Record<string, string>;
    const environment = new Map(
      Object.entries(printed).map(([name, value]) => [name, { value, source: ".env" as const }]),
    );
    const { settings, faults } = checkSettings(environment, { serving: true });
    expect(faults).toEqual([]);
    expect(settings.PUBLIC_URL).toBe("http://127.0.0.1:3456");

    const pages = /pages +(http:\S+)/.exec(text)?.[1] ?? "";
    expect(await (await fetch(pages)).text()).toContain("SANDBOX");
    const initData = /sign-in data +(http:\S+)/.exec(text)?.[1] ?? "";
    expect(await (await fetch(initData)).json()).toEqual({ init_data: expect.stringContaining("hash=") });
    const credit = await fetch(`${settings.KIE_API_URL}/api/v1/chat/credit`, {
      headers: { authorization: `Bearer ${settings.KIE_API_KEY}` },
    });
    expect(await credit.json()).toMatchObject({ code: 200, data: expect.any(Number) });
    expect((await fetch(`${settings.KIE_API_URL}/_faults`)).status).toBe(200);

    const bought = await fetch(`${settings.YOOKASSA_API_URL}/payments`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${settings.YOOKASSA_SHOP_ID}:${settings.YOOKASSA_SECRET_KEY}`)}`,
        "content-type": "application/json",
        "idempotence-key": crypto.randomUUID(),
      },
      body: JSON.stringify({
        amount: { value: "149.00", currency: "RUB" },
        capture: true,
        confirmation: { type: "redirect", return_url: "https://t.me/sandbox_bot" },
      }),
    });
    const { confirmation } = (await bought.json()) as { confirmation: { confirmation_url: string } };
    // The server at PUBLIC_URL has no pay page: it takes the emulator for the shop itself.
    expect(confirmation.confirmation_url).toStartWith(pages);
    expect(await (await fetch(confirmation.confirmation_url)).text()).toContain("SANDBOX");

    run.kill("SIGTERM");
    expect(await run.exited).toBe(0);
    expect(fetch(pages)).rejects.toThrow();
  });

  test("says that its port is taken and proposes another", async () => {
    const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port } = other;
    const { code, err } = await runProgram(["sandbox", "--port", String(port)]);
    await other.stop(true);
    expect(code).toBe(2);
    expect(err).toContain(`Port ${port} is taken by another program.`);
  });
});
