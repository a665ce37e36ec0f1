import { type OpenContext, ownMigrations } from "../../context.ts";
import { SECOND_MS, systemClock } from "../../platform/clock.ts";
import { clockSkewMs, databaseFacts } from "../../platform/db/inspect.ts";
import { judgeDatabase } from "../../platform/db/inspect-server.ts";
import { migrationStates } from "../../platform/db/migrate.ts";
import { listWorkers } from "../../platform/queue/inspect.ts";
import { type DoctorCheck, failed, NotExamined, ok, type Patient, warning } from "./check.ts";

const SKEW_MS_WARNING = 2 * SECOND_MS;
const SKEW_MS_MAX = 60 * SECOND_MS;
/** Above the ten seconds that the driver takes for a connection, so that its own words are heard. */
const TIMEOUT_MS = 12 * SECOND_MS;

const BYTES_PER_MIB = 1024 * 1024;

/** It answers, and is what the program expects. */
export const databaseCheck: DoctorCheck = {
  name: "database",
  needs: ["DATABASE_URL", "DATA_DIR", "DATABASE_POOL_MAX"],
  timeoutMs: TIMEOUT_MS,
  async run(patient) {
    let open: OpenContext;
    try {
      open = await patient.open();
    } catch (error) {
      if (error instanceof NotExamined) return error.finding;
      throw error;
    }
    const facts = await databaseFacts(open.database, open.ctx.settings.DATA_DIR);
    const size = `${(facts.bytes / BYTES_PER_MIB).toFixed(1)} MiB`;
    const use = { poolMax: open.ctx.settings.DATABASE_POOL_MAX, processes: await processesOn(patient) };
    const judgement = await judgeDatabase(open.database, use);
    const text = `${[facts.version, size, ...facts.notes, ...judgement.notes].join(", ")}.`;
    const complaints = [...facts.warnings, ...judgement.warnings];
    if (judgement.failures.length > 0) return failed(text, [...judgement.failures, ...complaints]);
    return complaints.length === 0 ? ok(text) : warning(text, complaints);
  },
};

/** Those that are known to hold connections: each living worker's process, and at least one. */
async function processesOn(patient: Patient): Promise<number> {
  try {
    const { ctx } = await patient.openWithSchema();
    const alive = (await listWorkers(ctx)).filter((worker) => worker.isAlive);
    return Math.max(1, new Set(alive.map((worker) => `${worker.hostname} ${worker.processId}`)).size);
  } catch (error) {
    if (error instanceof NotExamined) return 1;
    throw error;
  }
}

/** The tables are this version's. */
export const schemaCheck: DoctorCheck = {
  name: "schema",
  needs: ["DATABASE_URL", "DATA_DIR"],
  timeoutMs: TIMEOUT_MS,
  async run(patient) {
    const { database } = await patient.open();
    const states = await migrationStates({ database, clock: systemClock, migrations: ownMigrations });
    const pending = states.filter((state) => state.appliedAt === null).map((state) => state.name);
    if (pending.length === 0) return ok(`Up to date: ${states.at(-1)?.name}.`);
    return warning(
      `Not applied yet: ${pending.join(", ")}. \`atelier serve\` does it at its start, or: atelier migrate`,
    );
  },
};

/** All processes that share a database must agree on the time. */
export const clockCheck: DoctorCheck = {
  name: "clock",
  needs: ["DATABASE_URL", "DATA_DIR"],
  timeoutMs: TIMEOUT_MS,
  async run(patient) {
    const { database } = await patient.open();
    const skewMs = await clockSkewMs(database);
    const now = `${systemClock.now().toISOString().slice(0, 19)}Z`;
    if (skewMs === null) return ok(`${now}; the database is on this machine and has no clock of its own.`);
    const seconds = (Math.abs(skewMs) / SECOND_MS).toFixed(1);
    const text = `${seconds} s ${skewMs >= 0 ? "ahead of" : "behind"} the database`;
    if (Math.abs(skewMs) < SKEW_MS_WARNING) return ok(`${now}, ${text}.`);
    const advice = `This machine's clock is ${text}. Switch time synchronisation (NTP) on, on both machines.`;
    return Math.abs(skewMs) < SKEW_MS_MAX ? warning(advice) : failed(advice);
  },
};
