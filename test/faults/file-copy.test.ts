import { Database as SqliteFile } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQLITE_FILE_NAME } from "../../src/platform/db/open.ts";
import { startTestApp } from "../support/app.ts";
import { startChild } from "../support/child.ts";
import { createTestClock } from "../support/clock.ts";
import { lane } from "../support/database.ts";
import { faultsSeed, seededRandom } from "../support/seeded-random.ts";
import { until } from "../support/until.ts";

const COPIES = Number(process.env.COPIES ?? 12);
const PAUSE_MS_MAX = 120;

const folder = mkdtempSync(join(tmpdir(), "atelier-file-copy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whether every thread of the process stands still. */
function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

describe("the database's file", () => {
  // What a power cut leaves, or a snapshot of the disk: file and log of the same instant, in the middle of whatever went on.
  test.skipIf(lane === "postgres")(
    `F15 copied with its log at ${COPIES} random moments under load opens whole, with every acknowledged commit (SQLite only)`,
    async () => {
      const app = await startTestApp({ clock: createTestClock(new Date()) });
      const person = await app.signIn();
      const source = join(app.database.dataFolder, SQLITE_FILE_NAME);
      const child = startChild("file-copy-child.ts", { dataFolder: app.database.dataFolder, userId: person.id });
      try {
        await child.hasPrinted("10\n");
        const random = seededRandom(faultsSeed("COPIES"));
        const counts: number[] = [];
        for (let copy = 0; copy < COPIES; copy += 1) {
          await Bun.sleep(random() * PAUSE_MS_MAX);
          child.kill("SIGSTOP");
          await until(() => isStopped(child.pid), "the writer stands still");
          const copied = join(folder, `${copy}.sqlite`);
          copyFileSync(source, copied);
          if (existsSync(`${source}-wal`)) copyFileSync(`${source}-wal`, `${copied}-wal`);
          // What was printed before the stop may still be in the pipe.
          await Bun.sleep(20);
          const acknowledged = Number(child.output().trimEnd().split("\n").at(-1));
          child.kill("SIGCONT");
          counts.push(acknowledged);

          const file = new SqliteFile(copied);
          expect(file.query("pragma integrity_check").values()).toEqual([["ok"]]);
          expect(file.query("pragma foreign_key_check").all()).toEqual([]);
          const [[grants, balance]] = file
            .query(
              "select (select count(*) from credit_grants where source like 'copied:%'), balance_credits from users",
            )
            .values() as [[number, number]];
          file.close();
          // Whole transactions, and no acknowledged one is missing; at most the one in hand is there beyond them.
          expect(grants).toBe(balance);
          expect(grants).toBeGreaterThanOrEqual(acknowledged);
          expect(grants).toBeLessThanOrEqual(acknowledged + 1);
        }
        expect(counts.at(-1)).toBeGreaterThan((counts[0] ?? 0) + COPIES);
      } finally {
        child.kill("SIGKILL");
        await child.exited;
      }
    },
    120_000,
  );
});
