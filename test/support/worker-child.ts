import { existsSync } from "node:fs";
import { systemClock } from "../../src/platform/clock.ts";
import { DONE, fence, LeaseLost } from "../../src/platform/queue/outcome.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { startWorker } from "../../src/platform/queue/work.ts";
import { openMachinery } from "./machinery.ts";

/**
 * A worker process whose jobs do not end until the file `goFile` exists, and then write a row under the fence. A test may
 * kill or suspend it meanwhile.
 */
const { url, dataFolder, goFile } = JSON.parse(process.argv[2] ?? "") as Record<string, string>;
const { ctx } = await openMachinery(
  { url: url ?? "", dataFolder: dataFolder ?? "", remove: async () => {} },
  systemClock,
);
const say = (line: string) => process.stdout.write(`${line}\n`);
await startWorker(ctx, {
  concurrency: 2,
  handlers: new Map([
    [
      "work",
      {
        async run(job) {
          say(`took ${job.id}`);
          while (!existsSync(goFile ?? "")) await Bun.sleep(20);
          try {
            await ctx.transaction(async (tx) => {
              await tx.db.insert(schedules).values({ name: "written by the child", lastSlot: tx.clock.now(), runs: 1 });
              await fence(tx, job);
            });
            say("wrote");
          } catch (error) {
            if (!(error instanceof LeaseLost)) throw error;
            say("lease lost");
            throw error;
          }
          return DONE;
        },
      },
    ],
  ]),
});
