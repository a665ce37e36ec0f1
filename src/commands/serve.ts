import { parseArgs } from "node:util";
import { logOf, type OpenContext, openContext, openOwnDatabase, ownMigrations } from "../context.ts";
import { environmentFaults, processEnvironment } from "../platform/config/environment.ts";
import { isLoopback, loadSettings } from "../platform/config/load.ts";
import type { Settings } from "../platform/config/settings.ts";
import { copyBeforeMigrate } from "../platform/db/copy-before-migrate.ts";
import { databaseFault } from "../platform/db/inspect.ts";
import { migrate } from "../platform/db/migrate.ts";
import { databaseIsFile } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { limitNativeHeaps } from "../platform/images/native-environment.ts";
import { lockDataFolder } from "../platform/single-server-lock.ts";
import { startTelemetry } from "../platform/telemetry/telemetry.ts";
import { ROLES, type Role, type RunningRoles, startRoles } from "../roles/all.ts";
import type { RunningSandbox } from "../sandbox/server.ts";
import type { Command } from "./command.ts";

/** systemd and Docker kill after their own time; everything is down before. */
const STOP_MS_MAX = 25_000;

export const serveCommand: Command = {
  name: "serve",
  summary: "run the server: API, live events, workers and scheduler",
  help: `Usage: atelier serve [--role all|api|worker|scheduler] [--port <number>] [--sandbox]

  --role      which part this process plays; default: all. Separate roles need Postgres (DATABASE_URL)
  --port      the port of the API; default: PORT, or 3000
  --sandbox   play all providers on this machine: no account, no key, nothing leaves it

Examples:
  atelier serve --sandbox                 try everything at http://localhost:3000/docs
  atelier serve                           one server with SQLite in DATA_DIR
  DATABASE_URL=postgres://... atelier serve --role worker

Stops on SIGTERM or SIGINT: jobs in hand are finished or handed back within 25 seconds. A second signal ends it at once.`,
  async run(args) {
    // Before anything begins a thread.
    limitNativeHeaps();
    const { values } = parseArgs({
      args: [...args],
      options: { role: { type: "string" }, port: { type: "string" }, sandbox: { type: "boolean" } },
    });
    const role = roleFrom(values.role);
    const overlay = new Map(processEnvironment);
    if (values.port !== undefined) overlay.set("PORT", { value: values.port, source: "environment" });
    let sandbox: RunningSandbox | undefined;
    if (values.sandbox) {
      const { startSandbox } = await import("../sandbox/server.ts");
      sandbox = await startSandbox({ environment: overlay });
    }
    const { settings } = loadSettings(sandbox?.environment ?? overlay, {
      serving: true,
      earlierFaults: environmentFaults,
    });
    const running = await start(settings, role, sandbox);
    outliveLostFailures(running);
    await untilStopped(running, sandbox);
    return 0;
  },
};

/** Opens, migrates and starts. Also what `demo` runs on. */
export async function start(settings: Settings, role: Role, sandbox?: RunningSandbox): Promise<RunningRoles> {
  if (databaseIsFile && role !== "all") {
    throw new OperatorError(
      `A separate --role ${role} needs Postgres: set DATABASE_URL=postgres://... With SQLite one process does everything: atelier serve`,
    );
  }
  const unlock = databaseIsFile ? lockDataFolder(settings.DATA_DIR) : () => {};
  try {
    const log = logOf(settings);
    const telemetry = await startTelemetry(sandbox ? withoutOutsiders(settings) : settings, { role, log });
    const given = sandbox ? { images: sandbox.images, clock: sandbox.clock } : {};
    const open = await openContext(settings, { log, telemetry, ...given });
    await bringUpToDate(open, settings);
    const running = await startRoles(open, role, { sandbox: sandbox?.handle });
    return {
      ...running,
      async stop() {
        await running.stop();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Nothing leaves a sandbox: whoever watches it must be on this machine. */
export function withoutOutsiders<T extends Pick<Settings, "SENTRY_DSN" | "OTEL_EXPORTER_OTLP_ENDPOINT">>(
  settings: T,
): T {
  const here = (url: string): string => (URL.canParse(url) && isLoopback(new URL(url).hostname) ? url : "");
  return {
    ...settings,
    SENTRY_DSN: here(settings.SENTRY_DSN),
    OTEL_EXPORTER_OTLP_ENDPOINT: here(settings.OTEL_EXPORTER_OTLP_ENDPOINT),
  };
}

/** The schema is changed by the server itself, around a pooler where there is one. */
async function bringUpToDate({ ctx, database: own }: OpenContext, settings: Settings): Promise<void> {
  const isPooled = settings.DATABASE_DIRECT_URL !== "";
  const database = isPooled ? await openOwnDatabase(settings, ctx.log, { direct: true }) : own;
  try {
    await migrate({ database, clock: ctx.clock, migrations: ownMigrations }, async () => {
      const copy = await copyBeforeMigrate(database, ctx.clock, settings.DATA_DIR);
      if (copy) ctx.log.info("the database was copied before its schema changes", { copy });
    });
  } catch (error) {
    const fault = databaseFault(error);
    throw fault === null ? error : new OperatorError(fault);
  } finally {
    if (isPooled) await database.close();
  }
}

/** What failed has its own deadline; ending the program for it would end what everybody else does. */
function outliveLostFailures({ ctx: { log, telemetry } }: RunningRoles): void {
  process.on("unhandledRejection", (error) => {
    log.error("a bug: something failed that nobody waited for", { error });
    telemetry.faults?.report({ what: "something failed that nobody waited for", error });
  });
}

async function untilStopped(running: RunningRoles, sandbox: RunningSandbox | undefined): Promise<void> {
  const { promise: asked, resolve: stop } = Promise.withResolvers<void>();
  const force = (why: string) => {
    running.ctx.log.error("ended before everything was down", { why });
    process.exit(1);
  };
  let isStopping = false;
  const hear = (signal: NodeJS.Signals) => {
    if (isStopping) force(`${signal} came a second time`);
    isStopping = true;
    stop();
  };
  process.on("SIGTERM", hear);
  process.on("SIGINT", hear);
  await asked;
  const forced = setTimeout(() => force(`${STOP_MS_MAX / 1_000} seconds are over`), STOP_MS_MAX);
  await running.stop();
  await sandbox?.stop();
  clearTimeout(forced);
}

function roleFrom(text: string | undefined): Role {
  const role = ROLES.find((name) => name === (text ?? "all"));
  if (!role) throw new OperatorError(`--role must be one of ${ROLES.join(", ")}, not "${text}"`);
  return role;
}
