import type { Database } from "../../src/platform/db/database.ts";
import { historyOf, type Played, play } from "./history.ts";
import { shrunk } from "./shrunk.ts";
import { openMemory } from "./world.ts";

export interface Campaign {
  histories: number;
  steps: number;
  seconds: number;
  /** Null when nothing was wrong. */
  failure: Failure | null;
}

export interface Failure {
  seed: number;
  played: Played;
  /** For a person: what went wrong, the shortest history that shows it, and how to see it again. */
  text: string;
}

/** Histories between two of which the database is made anew, so that its memory stays small. */
const DATABASE_KEPT_FOR = 2_000;

/** Plays the histories of consecutive seeds until one fails; that one is shrunk. */
export async function campaign(
  firstSeed: number,
  count: number,
  onProgress?: (histories: number, steps: number) => void,
): Promise<Campaign> {
  const began = performance.now();
  let database: Database | null = null;
  let steps = 0;
  const result = (histories: number, failure: Failure | null): Campaign => ({
    histories,
    steps,
    seconds: (performance.now() - began) / 1_000,
    failure,
  });
  try {
    for (let done = 0; done < count; done += 1) {
      if (done % DATABASE_KEPT_FOR === 0) await database?.close();
      if (done % DATABASE_KEPT_FOR === 0) database = await openMemory();
      if (database === null) throw new Error("the database was opened before the first history");
      const seed = firstSeed + done;
      const history = historyOf(seed);
      const played = await play(database, history);
      steps += played.steps;
      if (played.violations.length > 0) {
        const least = await shrunk(database, history, played);
        return result(done + 1, {
          seed,
          played,
          text: explain(seed, history.steps.length, least.played, least.history),
        });
      }
      onProgress?.(done + 1, steps);
    }
    return result(count, null);
  } finally {
    await database?.close();
  }
}

function explain(seed: number, length: number, played: Played, { conditions }: ReturnType<typeof historyOf>): string {
  return [
    `The history of seed ${seed} (${length} steps, shrunk to ${played.steps}) broke what must hold:`,
    ...played.violations.map((violation) => `  ! ${violation}`),
    `Conditions: ${JSON.stringify(conditions)}`,
    ...played.lines,
    `Again: SIMULATION_SEED=${seed} SIMULATION_HISTORIES=1 bun test/run.ts test/simulation`,
  ].join("\n");
}
