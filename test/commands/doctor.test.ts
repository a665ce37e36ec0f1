import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inArray } from "drizzle-orm";
import { type Patient, runCheck } from "../../src/commands/doctor/check.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { after, DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { providerStates, rateWindows } from "../../src/platform/limits/tables.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { jobs, schedulerLease, workers } from "../../src/platform/queue/tables.ts";
import { startTestApp, TEST_WEBHOOK_SECRET, testEnvironment } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { lane } from "../support/database.ts";
import { runProgram } from "./program.ts";

// The commands use the machine's clock, so the product beside them does too.
const app = await startTestApp({ clock: createTestClock(new Date()) });
const PUBLIC_URL = `http://127.0.0.1:${await app.listen()}`;
const CREDITS = 1_000;
/** For tests that start the program many times. */
const EXAMINATIONS_MS_MAX = 30_000;
const BOT = {
  TELEGRAM_API_URL: app.telegram.url,
  TELEGRAM_BOT_NAME: app.telegram.botName,
  TELEGRAM_WEBHOOK_SECRET: TEST_WEBHOOK_SECRET,
};
const WEBHOOK = { url: `${PUBLIC_URL}/api/v1/telegram/webhook`, secretToken: TEST_WEBHOOK_SECRET };
app.telegram.setWebhook(WEBHOOK);

/** The lane's server answers before a commit is on the disk, which is quick and what no server of money should do. */
const syncCommits = (state: "on" | "off") =>
  app.open.database.raw(
    `do $$ begin execute format('alter database %I set synchronous_commit = ${state}', current_database()); end $$`,
  );
if (lane === "postgres") await syncCommits("on");

afterEach(async () => {
  for (const table of [jobs, workers, schedulerLease, providerStates, ownerAlerts, rateWindows])
    await app.ctx.db.delete(table);
  app.kie.setCredits(CREDITS);
  app.clock.set(new Date());
});

/** The lane's Postgres writes nothing through to the disk, which is quick and what a server of money must not do. */
const DATABASE_WELL = lane === "postgres" ? "warning" : "ok";

const NAMES = [
  ...["settings", "half-set features", "database", "schema", "clock", "clock outside", "disk space", "folders"],
  ...["storage", "images", "workers", "queue", "dead letters", "deletions", "kie.ai balance", "kie.ai breaker"],
  ...["kie.ai pace", "assistant", "bot", "bot webhook", "bot pace", "shop", "shop notices", "tax service"],
  ...["tax deadline", "limits", "public address", "messages", "owner alerts"],
];

interface Report {
  status: string;
  checks: Array<{ name: string; status: string; text: string; lines: string[]; ms: number }>;
}

/** The settings of a server in order, and some others instead. */
function settings(more: Record<string, string> = {}): Record<string, string> {
  const values = testEnvironment(app.database, app.kie, { PUBLIC_URL, ...BOT, ...more });
  return Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
}

async function examine(environment: Record<string, string> = settings()) {
  const { code, out, err } = await runProgram(["doctor", "--json"], { environment });
  expect(err).toBe("");
  const report = JSON.parse(out) as Report;
  const check = (name: string) => {
    const found = report.checks.find((one) => one.name === name);
    if (!found) throw new Error(`there is no check ${name}`);
    return found;
  };
  return { code, report, check, text: out };
}

/** Programs read it: names and members may be added, and one that is gone breaks somebody's monitoring. */
function expectStableShape(report: Report): void {
  expect(Object.keys(report)).toEqual(["status", "version", "at", "checks"]);
  for (const check of report.checks) {
    expect(Object.keys(check)).toEqual(["name", "status", "text", "lines", "ms"]);
    expect(["ok", "warning", "failed"]).toContain(check.status);
    expect(check.lines.every((line) => typeof line === "string")).toBe(true);
  }
  const names = report.checks.map(({ name }) => name);
  for (const name of NAMES) expect(names).toContain(name);
}

const addScheduler = (beatAt: Date) =>
  app.ctx.db.insert(schedulerLease).values({
    name: "scheduler",
    holderId: newId(),
    hostname: "elsewhere/machine",
    processId: 41,
    processStart: "",
    beats: 7,
    actsSince: new Date("2026-11-18T09:00:00.000Z"),
    beatAt,
  });

const addWorker = (heartbeatAt: Date) =>
  app.ctx.db.insert(workers).values({
    id: newId(),
    hostname: "elsewhere",
    processId: 1,
    processStart: "",
    kinds: ["generation.run"],
    startedAt: heartbeatAt,
    heartbeatAt,
  });

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

  test("workers of two versions are an upgrade that was left half done", async () => {
    await addWorker(new Date());
    const rows = await app.ctx.db.select().from(workers);
    await app.ctx.db
      .insert(workers)
      .values({ ...rows[0], id: newId(), version: "9.9.9 (f00)" } as typeof workers.$inferInsert);
    const { check } = await examine();
    expect(check("workers")).toMatchObject({
      status: "warning",
      lines: ["1 of 9.9.9 (f00)", "1 of a version that does not tell"],
    });
  });

  test("shows people a line for each check, with what to do", async () => {
    const { code, out } = await runProgram(["doctor"], { environment: settings() });
    expect(code).toBe(0);
    expect(out).toMatch(/^✓ settings +All \d+ are right; \d+ come from outside\.$/m);
    expect(out).toMatch(/^! workers +None runs: no picture will be made\. Start one: atelier serve$/m);
    expect(out).toMatch(/^! scheduler +None acts: nothing renews, sweeps or cleans up\. Start one: atelier serve, or/m);
    expect(out).toMatch(DATABASE_WELL === "ok" ? /\n\d+ ok, 3 warnings, 0 failed\.\n$/ : /, 4 warnings, 0 failed\.\n$/);
    expect(out).not.toContain("\u001b[");
  });

  test("X13 names every missing key at once, and still looks at all the rest", async () => {
    const { DATA_DIR = "", DATABASE_URL } = settings();
    const { code, check } = await examine({ DATA_DIR, ...(DATABASE_URL === undefined ? {} : { DATABASE_URL }) });
    expect(code).toBe(1);
    expect(check("settings").status).toBe("failed");
    const named = check("settings").lines.map((line) => line.split(" ")[0]);
    expect(named).toEqual(expect.arrayContaining(["PUBLIC_URL", "JWT_SECRET", "LINK_SECRET", "TELEGRAM_BOT_TOKEN"]));
    expect(check("kie.ai balance").text).toContain("because KIE_API_KEY needs attention first");
    for (const name of ["schema", "storage", "images", "queue"]) expect(check(name).status).toBe("ok");
    expect(check("database").status).toBe(DATABASE_WELL);
  });

  test("X13 lists features that are half set, and lines of .env that mean nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "atelier-doctor-"));
    writeFileSync(join(folder, ".env"), "KIE_APIKEY=typo\nKIE_INPUTS=links\n");
    const environment = settings();
    delete environment.KIE_UPLOAD_URL;
    delete environment.TELEGRAM_BOT_NAME;
    Object.assign(environment, { TELEGRAM_APP_NAME: "app", TELEGRAM_WEBHOOK_SECRET: "short" });
    const { out } = await runProgram(["doctor", "--json"], { folder, environment });
    rmSync(folder, { recursive: true });
    const found = (JSON.parse(out) as Report).checks.find((one) => one.name === "half-set features");
    expect(found?.status).toBe("warning");
    expect(found?.lines.map((line) => line.split(":")[0])).toEqual([
      "Only one of KIE_API_URL and KIE_UPLOAD_URL is set",
      "TELEGRAM_WEBHOOK_SECRET has fewer than 16 characters",
      "TELEGRAM_APP_NAME is set without TELEGRAM_BOT_NAME",
      "KIE_INPUTS=links with a PUBLIC_URL on loopback",
      ".env has KIE_APIKEY, which is no setting. `atelier settings` lists all of them.",
    ]);
  });

  test("a wrong setting and a broken catalogue are said once and keep nothing else from being looked at", async () => {
    const environment = settings({ KIE_API_URL: "http://kie.example", CATALOGUE_FILE: "/nowhere.json" });
    const { code, check } = await examine(environment);
    expect(code).toBe(1);
    expect(check("settings").lines.join("\n")).toContain("KIE_API_URL must be https");
    expect(check("settings").lines.join("\n")).toContain("CATALOGUE_FILE /nowhere.json cannot be read");
    expect(check("kie.ai balance").status).toBe("warning");
    for (const name of ["queue", "kie.ai breaker"]) expect(check(name).status).toBe("ok");
    expect(check("database").status).toBe(DATABASE_WELL);
  });

  test("a database that cannot be used fails one check, with what to do; the others are looked at", async () => {
    const folder = mkdtempSync(join(tmpdir(), "atelier-doctor-"));
    writeFileSync(join(folder, "atelier.sqlite"), "this is a shopping list, not a database ".repeat(50));
    const broken = {
      DATA_DIR: folder,
      ...(lane === "postgres" ? { DATABASE_URL: "postgres://a:b@127.0.0.1:1/c" } : {}),
    };
    const { code, check } = await examine(settings(broken));
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    expect(check("database").status).toBe("failed");
    expect(check("database").text).toContain(
      lane === "postgres" ? "are host and port in DATABASE_URL right?" : "The file is something else, or damaged",
    );
    expect(check("queue").text).toBe("Not looked at: the database cannot be used (see database).");
    for (const name of ["storage", "images", "kie.ai balance"]) expect(check(name).status).toBe("ok");
  });

  test.skipIf(lane === "sqlite")(
    "warns of commits that a crash may lose (Postgres only: its own setting)",
    async () => {
      await syncCommits("off");
      const { code, check } = await examine();
      await syncCommits("on");
      expect({ code, status: check("database").status }).toEqual({ code: 0, status: "warning" });
      expect(check("database").lines[0]).toStartWith("synchronous_commit is off");
    },
  );

  test.skipIf(lane === "postgres")(
    "makes nothing where no server was ever started (SQLite only: a folder)",
    async () => {
      const folder = join(mkdtempSync(join(tmpdir(), "atelier-doctor-")), "data");
      const { code, check } = await examine(settings({ DATA_DIR: folder }));
      expect({ code, isMade: existsSync(folder) }).toEqual({ code: 0, isMade: false });
      expect(check("database").text).toContain("`atelier serve` makes it at its first start");
      expect(check("queue").text).toBe("Not looked at: there is no database yet (see database).");
    },
  );

  test("kie.ai: a refused key and an account that pays for too few pictures are failures, few are a warning", async () => {
    const refused = await examine(settings({ KIE_API_KEY: "somebody-elses-key" }));
    expect(refused.code).toBe(1);
    expect(refused.check("kie.ai balance")).toMatchObject({ status: "failed" });
    expect(refused.check("kie.ai balance").text).toEndWith("Is KIE_API_KEY right, and may this address use it?");
    app.kie.setCredits(8);
    expect((await examine()).check("kie.ai balance")).toMatchObject({
      status: "failed",
      text: "8 credits, enough for 2 pictures. New ones are refused below 5: top the account up at kie.ai.",
    });
    app.kie.setCredits(100);
    expect((await examine()).check("kie.ai balance").status).toBe("warning");
  });

  test(
    "the assistant: no key switches it off, a used up key and a retired model are told apart",
    async () => {
      expect((await examine()).check("assistant")).toMatchObject({
        status: "ok",
        text: expect.stringMatching(/^Switched off/),
      });
      const key = { limit: 10, limit_remaining: 7.5, usage: 2.5 };
      const provider = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch(request) {
          if (request.headers.get("authorization") !== "Bearer sk-of-the-test") {
            return Response.json({ error: { code: 401, message: "No auth credentials found" } }, { status: 401 });
          }
          const isKey = new URL(request.url).pathname.endsWith("/key");
          const model = { id: "author/here", supported_parameters: ["structured_outputs"] };
          return Response.json({ data: isKey ? key : [model] });
        },
      });
      const assistant = async (apiKey: string, models: string) => {
        const environment = settings({
          OPENROUTER_API_URL: `http://127.0.0.1:${provider.port}/api/v1`,
          OPENROUTER_API_KEY: apiKey,
          OPENROUTER_MODELS: models,
        });
        return (await examine(environment)).check("assistant");
      };
      expect(await assistant("sk-of-the-test", "author/here")).toMatchObject({
        status: "ok",
        text: "The key works, 7.50 dollars left for the key; 1 of 1 models can be used.",
      });
      expect(await assistant("sk-of-the-test", "author/here,author/gone")).toMatchObject({
        status: "warning",
        lines: [expect.stringContaining("author/gone is not in OpenRouter's list")],
      });
      expect((await assistant("sk-of-the-test", "author/gone")).status).toBe("failed");
      key.limit_remaining = 0;
      expect((await assistant("sk-of-the-test", "author/here")).text).toEndWith("Raise the key's limit at OpenRouter.");
      const refused = await assistant("sk-of-somebody", "author/here");
      await provider.stop(true);
      expect(refused).toMatchObject({ status: "failed" });
      expect(refused.text).toEndWith("Is OPENROUTER_API_KEY right?");
    },
    EXAMINATIONS_MS_MAX,
  );

  test(
    "the bot: a refused token and another bot's name are failures, a name that is not set is a warning",
    async () => {
      const of = async (more: Record<string, string>) => (await examine(settings(more))).check("bot");
      const refused = await of({ TELEGRAM_BOT_TOKEN: "77:SomebodyElses_0123456789" });
      expect(refused.status).toBe("failed");
      expect(refused.text).toContain("HTTP 401 Unauthorized");
      expect(refused.text).toEndWith("Is TELEGRAM_BOT_TOKEN the one that @BotFather shows now?");
      expect(JSON.stringify(refused)).not.toContain("SomebodyElses");
      expect(await of({ TELEGRAM_BOT_NAME: "another_bot" })).toMatchObject({
        status: "failed",
        lines: [`Set TELEGRAM_BOT_NAME=${app.telegram.botName}, or the token of another_bot.`],
      });
      expect((await of({ TELEGRAM_BOT_NAME: app.telegram.botName.toUpperCase() })).status).toBe("ok");
      expect(await of({ TELEGRAM_BOT_NAME: "" })).toMatchObject({
        status: "warning",
        lines: [`Set TELEGRAM_BOT_NAME=${app.telegram.botName}.`],
      });
      expect(await of({ TELEGRAM_API_URL: "http://127.0.0.1:9" })).toMatchObject({
        status: "failed",
        text: expect.stringContaining("Does this machine reach the Internet"),
      });
    },
    EXAMINATIONS_MS_MAX,
  );

  test(
    "the bot's webhook: none, another server's, failures and a queue that grows are told apart",
    async () => {
      const of = async (more: Record<string, string> = {}) => (await examine(settings(more))).check("bot webhook");
      expect(await of({ TELEGRAM_WEBHOOK_SECRET: "" })).toMatchObject({
        status: "warning",
        text: expect.stringContaining("TELEGRAM_WEBHOOK_SECRET is not set"),
      });
      app.telegram.setWebhook(undefined);
      expect(await of()).toMatchObject({ status: "warning", lines: ["atelier bot set-webhook"] });
      app.telegram.setWebhook({ ...WEBHOOK, url: "https://old.example.org/hook" });
      expect(await of()).toMatchObject({
        status: "failed",
        text: `It leads to https://old.example.org/hook, not to ${WEBHOOK.url}.`,
      });
      // Where nobody listens; the address that Telegram tells is then put right.
      const closed = { ...WEBHOOK, url: "http://127.0.0.1:9/api/v1/telegram/webhook" };
      app.telegram.setWebhook(closed);
      for (let person = 1; person <= 51; person += 1) app.telegram.start(6_000 + person);
      await app.telegram.tried();
      const failing = await of({ PUBLIC_URL: "http://127.0.0.1:9" });
      expect(failing).toMatchObject({ status: "warning", text: "It leads here; 51 updates wait." });
      expect(failing.lines[0]).toStartWith("51 updates wait: ");
      expect(failing.lines[1]).toMatch(/^The last failure was at .+ UTC: Connection refused\. /);
      app.telegram.setWebhook(WEBHOOK);
    },
    EXAMINATIONS_MS_MAX,
  );

  test("P16 parked jobs are counted by kind and reason", async () => {
    const kinds = ["future.kind", "future.kind", "test.broken"];
    for (const kind of kinds) await enqueue(app.ctx, kind, {});
    // Only these: jobs of earlier tests, such as answers of the bot, may stand there too.
    await app.ctx.db
      .update(jobs)
      .set({ state: "parked", parkedReason: "unknown job kind" })
      .where(inArray(jobs.kind, kinds));
    const { code, check } = await examine();
    expect({ code, ...check("dead letters") }).toMatchObject({
      code: 0,
      status: "warning",
      lines: ["2 future.kind: unknown job kind", "1 test.broken: unknown job kind"],
    });
    expect(check("dead letters").text).toContain("atelier jobs retry --all-parked");
  });

  test("work that nobody does is a failure once it is ten minutes old", async () => {
    await enqueue(app.ctx, "generation.run", {}, { runAt: after(new Date(), -11 * MINUTE_MS) });
    await addWorker(after(new Date(), -HOUR_MS));
    const { code, check } = await examine();
    expect(code).toBe(1);
    expect(check("queue")).toMatchObject({ status: "failed" });
    expect(check("queue").text).toMatch(
      /^1 jobs ready, 1 of them due, the oldest for 6\d\d s; 0 in work\. Workers do not/,
    );
    expect(check("workers").status).toBe("warning");
  });

  test("J1 a scheduler that fell silent without another taking over is worth a warning", async () => {
    await addScheduler(after(new Date(), -MINUTE_MS));
    const { check } = await examine();
    expect(check("scheduler").status).toBe("warning");
    expect(check("scheduler").text).toMatch(/^Process 41 on elsewhere acted last 6\d s ago, and none has taken over\./);
  });

  test("an open breaker, places taken and alerts of the last day are shown", async () => {
    const now = new Date();
    const openUntil = after(now, HOUR_MS);
    await app.ctx.db.insert(providerStates).values({ provider: "kie", failures: 5, openUntil, updatedAt: now });
    await app.ctx.db.insert(rateWindows).values({ name: "kie.create", recentMs: [now.getTime(), now.getTime()] });
    for (const [reason, createdAt] of [
      ["kie_out_of_funds", now],
      ["long_ago", after(now, -2 * DAY_MS)],
    ] as const) {
      await app.ctx.db
        .insert(ownerAlerts)
        .values({ id: newId(), level: "critical", reason, details: { pictures_left: 0 }, createdAt });
    }
    const { check } = await examine();
    expect(check("kie.ai breaker").text).toStartWith(`Open until ${openUntil.toISOString()} after 5 failures in a row`);
    expect(check("kie.ai pace").text).toStartWith("2 of 20 new tasks taken");
    expect(check("owner alerts").lines).toEqual([
      `${now.toISOString()} critical: kie_out_of_funds {"pictures_left":0}`,
    ]);
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
