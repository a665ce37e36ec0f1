import { systemClock } from "../../src/platform/clock.ts";
import { type Migration, migrate } from "../../src/platform/db/migrate.ts";
import { openTestDatabase } from "./database.ts";

/** Brings a database up to the given steps, saying when each begins; a test may kill it in the middle of one. */
const { url, dataFolder, migrations } = JSON.parse(process.argv[2] ?? "") as {
  url: string;
  dataFolder: string;
  migrations: Migration[];
};
const database = await openTestDatabase({ url, dataFolder, remove: async () => {} });
let steps = 0;
const clock = {
  now() {
    // Asked once for each step, when it is marked as taken.
    steps += 1;
    process.stdout.write(`step ${steps} begins\n`);
    return systemClock.now();
  },
};
const applied = await migrate({ database, clock, migrations });
process.stdout.write(`applied ${JSON.stringify(applied)}\n`);
await database.close();
process.exit(0);
