import { sql } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { lies, unsettled } from "./books.ts";
import { comeToRest } from "./ending.ts";
import { contradictions } from "./invariants.ts";
import { Play } from "./play.ts";
import type { Step } from "./step.ts";
import { STEP_KINDS } from "./steps.ts";
import { signIn } from "./steps-of-orders.ts";
import { type Conditions, createWorld } from "./world.ts";

/** Steps of a history; a half more or fewer. */
const STEPS = 30;
/** A point further on than this is hardly ever reached. */
const POINTS_MAX = 14;
const INTERRUPTED_SHARE = 0.22;

/** Ordinary days, the last minutes of a month in Moscow, the 31st, and February of a leap year. */
const STARTS = [
  "2026-11-18T09:00:00.000Z",
  "2026-11-30T20:58:00.000Z",
  "2026-12-31T12:00:00.000Z",
  "2027-01-30T20:59:30.000Z",
  "2028-02-28T18:00:00.000Z",
] as const;

export interface History {
  seed: number;
  conditions: Conditions;
  steps: readonly Step[];
}

export interface Played {
  /** The first thing that was wrong; null when nothing was. */
  violations: readonly string[];
  lines: readonly string[];
  /** Steps that found something to do. */
  steps: number;
}

/** The history of a seed: always the same. */
export function historyOf(seed: number): History {
  const random = seededRandom(seed);
  const among = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const conditions: Conditions = {
    start: among(STARTS),
    freeActionsPerMonth: among([0, 1, 2, 5]),
    rewardOn: among(["signup", "first_generation", "first_payment"] as const),
    autopayments: random() < 0.5,
    inputs: among(["links", "upload"] as const),
    credits: among([0, 3, 3, 20]),
    isInvited: random() < 0.4,
    bot: random() < 0.15,
    taxService: random() < 0.3,
  };
  const count = Math.round(STEPS * (0.5 + random()));
  return { seed, conditions, steps: Array.from({ length: count }, () => randomStep(random)) };
}

const kinds = Object.entries(STEP_KINDS);
const weights = kinds.reduce((sum, [, { weight }]) => sum + weight, 0);

function randomStep(random: () => number): Step {
  let place = random() * weights;
  const [kind, { interruptible }] =
    kinds.find(([, { weight }]) => {
      place -= weight;
      return place < 0;
    }) ?? (kinds[0] as (typeof kinds)[number]);
  const isInterrupted = random() < INTERRUPTED_SHARE && interruptible;
  const at = 1 + Math.floor(random() * POINTS_MAX);
  const interruption = isInterrupted ? { kind: random() < 0.6 ? ("crash" as const) : ("pause" as const), at } : null;
  return { kind, which: random(), size: random(), way: random(), interruption };
}

/** Plays a history on the database, which is emptied first, and looks after every step. Stops at the first violation. */
export async function play(database: Database, history: History): Promise<Played> {
  const world = await createWorld(database, history.conditions, history.seed);
  const played = new Play(world);
  let steps = 0;
  let changesSeen = -1;
  const isWrong = async () => {
    // What was true stays true while nothing is written.
    const [row] = await database.queries.select({ changes: sql<number>`total_changes()` }).from(sql`(select 1)`);
    if (row?.changes === changesSeen) return played.violations.length > 0;
    changesSeen = row?.changes ?? -1;
    played.violations.push(...(await contradictions(database)), ...(await lies(played)));
    return played.violations.length > 0;
  };
  const result = () => ({ violations: played.violations, lines: played.lines, steps });

  await signIn(played, 5_000_001, undefined);
  const [first] = played.people;
  if (history.conditions.isInvited) await signIn(played, 5_000_002, first);
  const { credits } = history.conditions;
  if (first && credits > 0)
    await grantCredits(world.ctx, { userId: first.id, kind: "gift", credits, source: "welcome" });
  for (const step of history.steps) {
    const words = await STEP_KINDS[step.kind]?.run(played, step);
    if (words === null || words === undefined) continue;
    steps += 1;
    const { interruption } = step;
    const planned = interruption === null ? "" : ` [${interruption.kind} at point ${interruption.at}]`;
    played.lines.push(`${String(steps).padStart(3)}. ${words}${planned}`);
    if (await isWrong()) return result();
  }
  const rest = await comeToRest(played, isWrong);
  played.lines.push(`     ${rest}`);
  if (played.violations.length === 0) played.violations.push(...(await unsettled(played)));
  return result();
}
