import type { Database } from "../../src/platform/db/database.ts";
import { type History, type Played, play } from "./history.ts";
import type { Step } from "./step.ts";

/** Plays at most; a history of thirty steps needs about a hundred. */
const PLAYS_MAX = 400;

/**
 * The shortest history that still fails alike: pieces are left out, half of it at first and single steps at last, and so are
 * interruptions. `alike` says whether a failure is the one that is looked for; another one would lead elsewhere.
 */
export async function shrunk(
  database: Database,
  failing: History,
  first: Played,
): Promise<{ history: History; played: Played }> {
  let history = failing;
  let played = first;
  let plays = 0;
  const wanted = kindOf(first);
  const tryOut = async (steps: readonly Step[]): Promise<boolean> => {
    plays += 1;
    const candidate = { ...history, steps };
    const result = await play(database, candidate);
    if (kindOf(result) !== wanted) return false;
    history = candidate;
    played = result;
    return true;
  };
  for (
    let size = Math.ceil(history.steps.length / 2);
    size >= 1 && plays < PLAYS_MAX;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let start = 0; start < history.steps.length && plays < PLAYS_MAX; ) {
      if (!(await tryOut(history.steps.toSpliced(start, size)))) start += size;
    }
  }
  for (const [place, step] of history.steps.entries()) {
    if (step.interruption !== null) await tryOut(history.steps.with(place, { ...step, interruption: null }));
  }
  return { history, played };
}

/** What went wrong without the ids and numbers that differ between two plays. */
function kindOf({ violations }: Played): string {
  return (violations[0] ?? "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, "#").replace(/\(.*\)|\{.*\}/g, "");
}
