import { buildInfo } from "../build/build-info.ts";
import { type OpenContext, openContext, ownMigrations } from "../context.ts";
import { systemClock } from "../platform/clock.ts";
import { loadCatalogue } from "../platform/config/catalogue.ts";
import { environmentFaults, processEnvironment } from "../platform/config/environment.ts";
import { type CheckedSettings, checkSettings } from "../platform/config/load.ts";
import { type Settings, settingsTable } from "../platform/config/settings.ts";
import { databaseFault, missingDatabaseFile } from "../platform/db/inspect.ts";
import { migrationStates } from "../platform/db/migrate.ts";
import { silentLog } from "../platform/telemetry/log.ts";
import { type Command, print, printJson, readArguments } from "./command.ts";
import { assistantCheck } from "./doctor/assistant.ts";
import { botCheck, webhookCheck } from "./doctor/bot.ts";
import {
  type CheckResult,
  type DoctorCheck,
  failed,
  NotExamined,
  type Patient,
  runCheck,
  type Status,
  warning,
} from "./doctor/check.ts";
import { clockCheck, databaseCheck, schemaCheck } from "./doctor/database.ts";
import { foldersCheck } from "./doctor/folders.ts";
import { diskCheck, imagesCheck } from "./doctor/machine.ts";
import { breakerCheck, kieBalanceCheck, publicUrlCheck } from "./doctor/outside.ts";
import { telegramPaceCheck } from "./doctor/pace.ts";
import { deletionsCheck } from "./doctor/privacy.ts";
import { halfSetCheck, settingsCheck } from "./doctor/settings.ts";
import { noticesCheck, shopCheck, taxDeadlineCheck } from "./doctor/shop.ts";
import { storageCheck } from "./doctor/storage.ts";
import { metersCheck, taxServiceCheck } from "./doctor/tax.ts";
import { outerClockCheck } from "./doctor/times.ts";
import {
  alertsCheck,
  deadLettersCheck,
  maintenanceCheck,
  outboxCheck,
  paceCheck,
  queueCheck,
  schedulerCheck,
  workersCheck,
} from "./doctor/work.ts";

const USAGE = "Usage: atelier doctor [--json]";

/** In the order in which they are shown. Their names are part of what programs read. */
export const CHECKS: readonly DoctorCheck[] = [
  settingsCheck,
  halfSetCheck,
  databaseCheck,
  schemaCheck,
  clockCheck,
  outerClockCheck,
  diskCheck,
  foldersCheck,
  storageCheck,
  imagesCheck,
  maintenanceCheck,
  workersCheck,
  schedulerCheck,
  queueCheck,
  deadLettersCheck,
  deletionsCheck,
  kieBalanceCheck,
  breakerCheck,
  paceCheck,
  assistantCheck,
  botCheck,
  webhookCheck,
  telegramPaceCheck,
  shopCheck,
  noticesCheck,
  taxServiceCheck,
  taxDeadlineCheck,
  metersCheck,
  publicUrlCheck,
  outboxCheck,
  alertsCheck,
];

export const doctorCommand: Command = {
  name: "doctor",
  summary: "look at everything that can be wrong, and say what to do",
  help: `${USAGE}

  --json   for a program: {status, version, at, checks: [{name, status, text, lines, ms}]}

Looks at settings, database, clocks, disk, folders, storage, native image code, workers, queue, kie.ai, the assistant, the
bot, the shop and its notices, the tax service, the limits of a self-employed seller and the public address. Works with and without a running server and
changes nothing. Each check has its own time limit; one that fails never stops the others. Ends with 1 when a check failed; warnings alone end with 0.

Examples:
  atelier doctor
  atelier doctor --json | jq '.checks[] | select(.status != "ok")'`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { json: "boolean" } });
    const patient = await admit();
    const results = await Promise.all(CHECKS.map((check) => runCheck(check, patient)));
    const status = worst(results);
    if (values.json) {
      printJson({ status, version: buildInfo.version, at: systemClock.now().toISOString(), checks: results });
    } else {
      print(report(results));
    }
    return status === "failed" ? 1 : 0;
  },
};

async function admit(): Promise<Patient> {
  const checked = await withCatalogue(
    checkSettings(processEnvironment, { serving: true, earlierFaults: environmentFaults }),
  );
  let opening: Promise<OpenContext> | undefined;
  let withSchema: Promise<OpenContext> | undefined;
  const open = () => {
    opening ??= openFor(checked);
    return opening;
  };
  return {
    checked,
    open,
    openWithSchema() {
      withSchema ??= open().then(requireSchema);
      return withSchema;
    },
  };
}

/** The catalogue's file is part of the settings: what is wrong with it is said there, and the embedded one stands in. */
async function withCatalogue(checked: CheckedSettings): Promise<CheckedSettings> {
  try {
    await loadCatalogue(checked.settings.CATALOGUE_FILE);
    return checked;
  } catch (error) {
    const fault = { name: "CATALOGUE_FILE" as const, missing: false, text: (error as Error).message };
    return { ...checked, settings: { ...checked.settings, CATALOGUE_FILE: "" }, faults: [...checked.faults, fault] };
  }
}

/** Opens the database and hears whether it answers. */
async function openFor(checked: CheckedSettings): Promise<OpenContext> {
  const missing = missingDatabaseFile(checked.settings.DATA_DIR);
  if (missing !== null) {
    const text = `There is no database at ${missing} yet; \`atelier serve\` makes it at its first start.`;
    throw new NotExamined("there is no database yet (see database).", warning(text));
  }
  try {
    const open = await openContext(usable(checked), { log: silentLog });
    await open.database.raw("select 1 as one");
    return open;
  } catch (error) {
    const text = databaseFault(error) ?? (error as Error).message;
    throw new NotExamined("the database cannot be used (see database).", failed(text));
  }
}

/** With defaults in the place of what is wrong, so that one wrong address does not keep all else from being looked at. */
function usable({ settings, faults }: CheckedSettings): Settings {
  const wrong = faults.flatMap(({ name }) => (name === null ? [] : [[name, settingsTable[name].default] as const]));
  return { ...settings, ...Object.fromEntries(wrong) } as Settings;
}

async function requireSchema(open: OpenContext): Promise<OpenContext> {
  const needs = { database: open.database, clock: open.ctx.clock, migrations: ownMigrations };
  const states = await migrationStates(needs).catch(() => null);
  if (states?.every((state) => state.appliedAt !== null)) return open;
  const text = "the schema is not this version's (see schema).";
  throw new NotExamined(text, warning(text));
}

function worst(results: readonly CheckResult[]): Status {
  if (results.some((result) => result.status === "failed")) return "failed";
  return results.some((result) => result.status === "warning") ? "warning" : "ok";
}

const MARKS: Record<Status, { mark: string; colour: string }> = {
  ok: { mark: "✓", colour: "32" },
  warning: { mark: "!", colour: "33" },
  failed: { mark: "✗", colour: "31" },
};

function report(results: readonly CheckResult[]): string {
  const isColourful = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const width = Math.max(...results.map((result) => result.name.length));
  const lines = results.flatMap(({ name, status, text, lines: further }) => {
    const { mark, colour } = MARKS[status];
    const shownMark = isColourful ? `\u001b[${colour}m${mark}\u001b[0m` : mark;
    return [
      `${shownMark} ${name.padEnd(width)}  ${text}`,
      ...further.map((line) => `  ${" ".repeat(width)}  - ${line}`),
    ];
  });
  const count = (status: Status) => results.filter((result) => result.status === status).length;
  return [...lines, "", `${count("ok")} ok, ${count("warning")} warnings, ${count("failed")} failed.`].join("\n");
}
