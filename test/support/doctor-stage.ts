import { afterEach, expect } from "bun:test";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { newId } from "../../src/platform/ids.ts";
import { providerStates, rateWindows } from "../../src/platform/limits/tables.ts";
import { jobs, schedulerLease, workers } from "../../src/platform/queue/tables.ts";
import { runProgram } from "../commands/program.ts";
import { startTestApp, TEST_WEBHOOK_SECRET, type TestApp, testEnvironment } from "./app.ts";
import { createTestClock } from "./clock.ts";
import { lane } from "./database.ts";

const CREDITS = 1_000;
/** For tests that start the program many times. */
export const EXAMINATIONS_MS_MAX = 90_000;
/** The lane's Postgres writes nothing through to the disk, which is quick and what a server of money must not do. */
export const DATABASE_WELL = lane === "postgres" ? "warning" : "ok";

export interface DoctorReport {
  status: string;
  checks: Array<{ name: string; status: string; text: string; lines: string[]; ms: number }>;
}

export interface Examination {
  code: number;
  report: DoctorReport;
  /** One check of the report; throws where there is none of that name. */
  check(name: string): DoctorReport["checks"][number];
  /** All that was printed. */
  text: string;
}

/** A server that the doctor's command looks at from a process of its own. */
export interface DoctorStage {
  app: TestApp;
  /** What the bot's webhook is set to. */
  webhook: { url: string; secretToken: string };
  /** The settings of a server in order, and some others instead. */
  settings(more?: Record<string, string>): Record<string, string>;
  examine(environment?: Record<string, string>): Promise<Examination>;
  addScheduler(beatAt: Date): Promise<unknown>;
  addWorker(heartbeatAt: Date): Promise<unknown>;
  /** Postgres only: whether the server answers after a commit is on the disk, as it does unless a test says "off". */
  syncCommits(state: "on" | "off"): Promise<unknown>;
}

/** For all tests of the file that calls this; what they leave in the tables goes after each of them. */
export async function setDoctorStage(): Promise<DoctorStage> {
  // The commands use the machine's clock, so the product beside them does too.
  const app = await startTestApp({ clock: createTestClock(new Date()) });
  const publicUrl = `http://127.0.0.1:${await app.listen()}`;
  const webhook = { url: `${publicUrl}/api/v1/telegram/webhook`, secretToken: TEST_WEBHOOK_SECRET };
  app.telegram.setWebhook(webhook);
  // The lane's server answers before a commit is on the disk, which is quick and what no server of money should do.
  const syncCommits = (state: "on" | "off") =>
    app.open.database.raw(
      `do $$ begin execute format('alter database %I set synchronous_commit = ${state}', current_database()); end $$`,
    );
  if (lane === "postgres") await syncCommits("on");
  const settings = (more: Record<string, string> = {}) => settingsOf(app, { PUBLIC_URL: publicUrl, ...more });

  afterEach(async () => {
    for (const table of [jobs, workers, schedulerLease, providerStates, ownerAlerts, rateWindows])
      await app.ctx.db.delete(table);
    app.kie.setCredits(CREDITS);
    app.clock.set(new Date());
  });

  return {
    app,
    webhook,
    settings,
    examine: (environment = settings()) => examine(environment),
    addScheduler: (beatAt) => addScheduler(app, beatAt),
    addWorker: (heartbeatAt) => addWorker(app, heartbeatAt),
    syncCommits,
  };
}

function settingsOf(app: TestApp, more: Record<string, string>): Record<string, string> {
  const bot = {
    TELEGRAM_API_URL: app.telegram.url,
    TELEGRAM_BOT_NAME: app.telegram.botName,
    TELEGRAM_WEBHOOK_SECRET: TEST_WEBHOOK_SECRET,
  };
  const values = testEnvironment(app.database, app.kie, { ...bot, ...more });
  return Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
}

async function examine(environment: Record<string, string>): Promise<Examination> {
  const { code, out, err } = await runProgram(["doctor", "--json"], { environment });
  expect(err).toBe("");
  const report = JSON.parse(out) as DoctorReport;
  const check = (name: string) => {
    const found = report.checks.find((one) => one.name === name);
    if (!found) throw new Error(`there is no check ${name}`);
    return found;
  };
  return { code, report, check, text: out };
}

const addScheduler = (app: TestApp, beatAt: Date) =>
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

const addWorker = (app: TestApp, heartbeatAt: Date) =>
  app.ctx.db.insert(workers).values({
    id: newId(),
    hostname: "elsewhere",
    processId: 1,
    processStart: "",
    kinds: ["generation.run"],
    startedAt: heartbeatAt,
    heartbeatAt,
  });
