import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Books } from "../support/kill/books.ts";
import { isUncommitted } from "../support/kill/points.ts";
import { buildKillable, SWAPPED } from "../support/kill/program.ts";
import { openScene, type Scene, type Snapshot } from "../support/kill/scene.ts";
import { isThisLanes } from "../support/kill/share.ts";
import { play, STAGES, type StageName } from "../support/kill/stages.ts";

/** A run mostly waits for processes to start and to end. */
const AT_ONCE = 4;
/** Points of one stage that may be missed, because what happens at the same time has changed places. */
const MISSED_MAX = 2;
/** With fewer the counter would have missed something. */
const POINTS_MIN = 25;
const STAGE_DEADLINE_MS = 240_000;

const workshop = mkdtempSync(join(tmpdir(), "atelier-killable-"));
const program = join(workshop, "atelier");
const cacheFolder = join(workshop, "cache");

/** A stage of the story in which nobody was killed. */
interface Whole {
  /** Where the stage began. */
  from: Snapshot | undefined;
  points: readonly string[];
  books: Books;
}
const whole = new Map<StageName, Whole>();
const unkilled: Scene[] = [];
const tried: string[] = [];

beforeAll(async () => {
  expect(await buildKillable(program)).toEqual(SWAPPED);
  let from: Snapshot | undefined;
  for (const stage of STAGES) {
    const scene = await openScene({ program, cacheFolder, from, killAt: 0 });
    unkilled.push(scene);
    const points = await play(scene, stage);
    const before = from;
    whole.set(stage, { from: before, points, books: await scene.books() });
    from = await scene.snapshot();
  }
}, STAGE_DEADLINE_MS);

afterAll(async () => {
  for (const scene of unkilled) await scene.close();
  rmSync(workshop, { recursive: true, force: true });
});

function unkilledStage(stage: StageName): Whole {
  const found = whole.get(stage);
  if (!found) throw new Error(`${stage} was not played`);
  return found;
}

interface Try {
  /** The point's number and what it is. */
  point: string;
  /** Where the process died instead; null when it did not die at all, undefined when it died where it was meant to. */
  missed: string | null | undefined;
  /** The tables that are other than those of the run that was not killed, and what did not go as it should. */
  wrong: Record<string, unknown>;
}

/**
 * Kills the process at one point of a stage and sees the stage to its end. What was written when it died makes a
 * difference to all that comes behind: from there the story goes on to its last stage. Inside a transaction it makes none.
 */
async function killAt(stage: StageName, number: number): Promise<Try> {
  const { from, points } = unkilledStage(stage);
  const meant = points[number - 1] ?? "";
  const scene = await openScene({ program, cacheFolder, from, killAt: number });
  let died: string | null | undefined;
  const wrong: Try["wrong"] = {};
  try {
    const reached = await play(scene, stage);
    died = scene.wasKilled() ? reached[number - 1] : null;
    const last = isUncommitted(meant) ? stage : (STAGES.at(-1) ?? stage);
    for (const later of STAGES.slice(STAGES.indexOf(stage), STAGES.indexOf(last) + 1)) {
      if (later !== stage) await play(scene, later);
      Object.assign(wrong, differences(later, await scene.books()));
    }
  } catch (error) {
    wrong.error = String(error);
  } finally {
    await scene.close();
  }
  return { point: `${number} ${meant}`, missed: died === meant ? undefined : died, wrong };
}

function differences(stage: StageName, books: Books): Record<string, unknown> {
  const expected = unkilledStage(stage).books;
  const others = Object.entries(books).filter(([table, rows]) => !Bun.deepEquals(rows, expected[table]));
  return Object.fromEntries(others.map(([table, rows]) => [`${table} after ${stage}`, rows]));
}

for (const stage of STAGES) {
  test(
    `P2 P3 ${stage}: killed after each write, each commit and around each provider call, the books are the same`,
    async () => {
      const { points, books } = unkilledStage(stage);
      expect(points.length).toBeGreaterThan(POINTS_MIN);
      expect(books.ownerAlerts).toEqual([]);
      const waiting = points.map((_, index) => index + 1).filter(isThisLanes);
      const count = waiting.length;
      const tries: Try[] = [];
      const work = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          tries.push(await killAt(stage, next));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(tries.filter(({ wrong }) => Object.keys(wrong).length > 0)).toEqual([]);
      const missed = tries.filter((one) => one.missed !== undefined);
      for (const one of missed) process.stdout.write(`money: ${stage} ${one.point}: ${one.missed ?? "not reached"}\n`);
      expect(missed.length).toBeLessThanOrEqual(MISSED_MAX);
      tried.push(`${stage} ${count - missed.length} of ${points.length}`);
    },
    STAGE_DEADLINE_MS,
  );
}

test("P2 P3 every stage was tried", () => {
  expect(tried).toHaveLength(STAGES.length);
  process.stdout.write(
    `money: ${tried.join(", ")} kill points tried in the compiled program, the books of each equal those of the run that was not killed\n`,
  );
});
