import { describe, expect, test } from "bun:test";
import { type Patient, runCheck } from "../../src/commands/doctor/check.ts";
import { lane } from "../support/database.ts";
import { DATABASE_WELL, type DoctorReport, EXAMINATIONS_MS_MAX, setDoctorStage } from "../support/doctor-stage.ts";
import { runProgram } from "./program.ts";

const { addScheduler, addWorker, app, examine, settings } = await setDoctorStage();

const NAMES = [
  ...["settings", "half-set features", "database", "schema", "clock", "clock outside", "disk space", "folders"],
  ...["storage", "images", "workers", "queue", "dead letters", "deletions", "kie.ai balance", "kie.ai breaker"],
  ...["kie.ai pace", "assistant", "bot", "bot webhook", "bot pace", "shop", "shop notices", "tax service"],
  ...["tax deadline", "limits", "public address", "messages", "owner alerts"],
];

/** Programs read it: names and members may be added, and one that is gone breaks somebody's monitoring. */
function expectStableShape(report: DoctorReport): void {
  expect(Object.keys(report)).toEqual(["status", "version", "at", "checks"]);
  for (const check of report.checks) {
    expect(Object.keys(check)).toEqual(["name", "status", "text", "lines", "ms"]);
    expect(["ok", "warning", "failed"]).toContain(check.status);
    expect(check.lines.every((line) => typeof line === "string")).toBe(true);
  }
  const names = report.checks.map(({ name }) => name);
  for (const name of NAMES) expect(names).toContain(name);
}

describe("atelier doctor", () => {
  test("finds a server in order, answers in a shape that stays, and tells no secret", async () => {
    await addWorker(new Date());
    await addScheduler(new Date());
    const environment = settings();
    const { code, report, check, text } = await examine(environment);
    const notOk = report.checks.filter((one) => one.status !== "ok").map((one) => one.name);
    // The tests' address is this machine's own, which is worth a warning and no more.
    expect({ code, status: report.status, notOk }).toEqual({
      code: 0,
      status: "warning",
      notOk: [...(DATABASE_WELL === "ok" ? [] : ["database"]), "public address"],
    });
    expectStableShape(report);
    expect(check("database").text).toStartWith(lane === "postgres" ? "PostgreSQL 1" : "SQLite 3.");
    expect(check("schema").text).toStartWith("Up to date: 0");
    expect(check("images").text).toContain("a watermark was written");
    expect(check("kie.ai balance").text).toBe("1000 credits, enough for 250 pictures.");
    expect(check("workers").text).toBe("1 running with 0 jobs in hand.");
    expect(check("scheduler").text).toBe("Process 41 on elsewhere acts, since 2026-11-18T09:00:00Z.");
    expect(check("bot").text).toBe(`@${app.telegram.botName} answers.`);
    expect(check("bot webhook").text).toBe("It leads here; 0 updates wait.");
    for (const name of [
      "JWT_SECRET",
      "LINK_SECRET",
      "TELEGRAM_BOT_TOKEN",
      "TELEGRAM_WEBHOOK_SECRET",
      "KIE_API_KEY",
      "DATABASE_URL",
    ]) {
      if (environment[name] !== undefined) expect(text).not.toContain(environment[name]);
    }
  });

  test(
    "tells no secret, whatever goes wrong",
    async () => {
      const secrets = {
        JWT_SECRET: "canary-jwt-0123456789-0123456789-0123456789",
        LINK_SECRET: "canary-link-0123456789-0123456789-0123456789",
        TELEGRAM_BOT_TOKEN: "77:canary-bot-token_0123456789",
        TELEGRAM_WEBHOOK_SECRET: "canary-webhook",
        KIE_API_KEY: "canary-kie-key",
        KIE_WEBHOOK_KEY: "canary-kie-webhook",
        OPENROUTER_API_KEY: "canary-openrouter",
        YOOKASSA_SHOP_ID: "100500",
        YOOKASSA_SECRET_KEY: "live_canary-yookassa",
        MY_TAX_INN: "123456789012",
        MY_TAX_PASSWORD: "canary-tax-password",
        DATABASE_URL: lane === "postgres" ? "postgres://canary-user:canary-password@127.0.0.1:1/canary-name" : "",
      };
      const refusing = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        // As a careless service that sends back what it was sent.
        fetch: (request) => Response.json({ error: Object.fromEntries(request.headers) }, { status: 401 }),
      });
      const url = `http://127.0.0.1:${refusing.port}`;
      for (const provider of [url, "http://127.0.0.1:9"]) {
        const environment = settings({
          ...secrets,
          ...{ TELEGRAM_API_URL: provider, KIE_API_URL: provider, KIE_UPLOAD_URL: provider },
          ...{ OPENROUTER_API_URL: provider, YOOKASSA_API_URL: provider, MY_TAX_API_URL: provider },
        });
        const { code, out, err } = await runProgram(["doctor"], { environment });
        const hasCanary = /canary-(?!user|name)|live_canary|100500:/.test(out + err);
        expect({ code, hasCanary, isComplete: /\d failed\.\n$/.test(out) }).toEqual({
          ...{ code: 1, hasCanary: false, isComplete: true },
        });
      }
      await refusing.stop(true);
    },
    EXAMINATIONS_MS_MAX,
  );

  test("shows people a line for each check, with what to do", async () => {
    const { code, out } = await runProgram(["doctor"], { environment: settings() });
    expect(code).toBe(0);
    expect(out).toMatch(/^✓ settings +All \d+ are right; \d+ come from outside\.$/m);
    expect(out).toMatch(/^! workers +None runs: no picture will be made\. Start one: atelier serve$/m);
    expect(out).toMatch(/^! scheduler +None acts: nothing renews, sweeps or cleans up\. Start one: atelier serve, or/m);
    expect(out).toMatch(DATABASE_WELL === "ok" ? /\n\d+ ok, 3 warnings, 0 failed\.\n$/ : /, 4 warnings, 0 failed\.\n$/);
    expect(out).not.toContain("\u001b[");
  });

  test("an address that leads elsewhere fails while a server runs, and is a warning while none does", async () => {
    const elsewhere = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("another page") });
    const environment = settings({ PUBLIC_URL: `http://127.0.0.1:${elsewhere.port}` });
    const idle = await examine(environment);
    expect(idle.check("public address").status).toBe("warning");
    await addWorker(new Date());
    const { code, check } = await examine(environment);
    await elsewhere.stop(true);
    expect({ code, status: check("public address").status }).toEqual({ code: 1, status: "failed" });
    expect(check("public address").text).toContain("something else answers there (200)");
  });
});

describe("a check of doctor", () => {
  const patient = { checked: { faults: [] } } as unknown as Patient;

  test("that never ends is a failure after its time", async () => {
    const check = { name: "stuck", timeoutMs: 30, run: () => new Promise<never>(() => {}) };
    const result = await runCheck(check, patient);
    expect(result).toMatchObject({ name: "stuck", status: "failed", text: "Gave no answer within 0.03 seconds." });
    expect(result.ms).toBeGreaterThanOrEqual(29);
  });

  test("that throws is a failure with its message", async () => {
    const check = { name: "broken", run: () => Promise.reject(new Error("the wire is cut")) };
    expect(await runCheck(check, patient)).toMatchObject({ status: "failed", text: "the wire is cut" });
  });
});
