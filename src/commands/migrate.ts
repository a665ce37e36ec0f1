import { parseArgs } from "node:util";
import { openOwnDatabase, ownMigrations } from "../context.ts";
import { systemClock } from "../platform/clock.ts";
import { copyBeforeMigrate } from "../platform/db/copy-before-migrate.ts";
import { migrate, migrationStates } from "../platform/db/migrate.ts";
import { type Command, operatorSettings, print, table } from "./command.ts";

export const migrateCommand: Command = {
  name: "migrate",
  summary: "bring the database to this version's schema",
  help: `Usage: atelier migrate [--status | --dry-run]

  --status    list every step and when it was applied
  --dry-run   say which steps would run, and change nothing

A SQLite file is copied beside itself first. A database that a newer version has used is refused.
\`atelier serve\` migrates by itself; this command is for looking first, or for doing it at a time of your choice.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { status: { type: "boolean" }, "dry-run": { type: "boolean" } },
    });
    const { settings } = operatorSettings();
    const database = await openOwnDatabase(settings, undefined, { direct: true });
    const needs = { database, clock: systemClock, migrations: ownMigrations };
    try {
      const states = await migrationStates(needs);
      if (values.status) {
        print(
          table(
            ["step", "applied"],
            states.map((state) => [state.name, state.appliedAt?.toISOString() ?? "pending"]),
          ),
        );
        return 0;
      }
      const pending = states.filter((state) => state.appliedAt === null).map((state) => state.name);
      if (pending.length === 0) {
        print("The schema is up to date.");
        return 0;
      }
      if (values["dry-run"]) {
        print(`Would apply: ${pending.join(", ")}`);
        return 0;
      }
      const applied = await migrate(needs, async () => {
        const copy = await copyBeforeMigrate(database, systemClock, settings.DATA_DIR);
        if (copy) print(`Copied the database to ${copy}`);
      });
      // Another program may have been quicker.
      print(applied.length === 0 ? "The schema is up to date." : `Applied: ${applied.join(", ")}`);
      return 0;
    } finally {
      await database.close();
    }
  },
};
