import type { ProcessRole, ServerProcess } from "../support/processes.ts";
import type { Stage } from "./stage.ts";
import { Tally } from "./tally.ts";

/** From one killing to the next. */
const KILL_MS = { least: 4_000, most: 12_000 };
/** How long a killed process stays down, at most. */
const DOWN_MS_MAX = 1_500;
const DATABASE_DOWN_MS_MAX = 2_500;
/** One of so many endings is a polite one. */
const TERM_SHARE = 0.2;
const START_TRIES_MAX = 6;

interface Slot {
  role: ProcessRole;
  settings: Record<string, string>;
  process: ServerProcess | null;
}

/** The program's processes: two APIs, two workers and a scheduler, brought back whenever they are gone. */
export interface Fleet {
  /** Kills, and twice restarts the database, until `endsAt`; resolves once everything runs again. */
  harass(endsAt: number): Promise<void>;
  /** What the processes logged as errors, by their words. */
  errors(): Tally;
}

export async function startFleet(
  stage: Stage,
  options: { random: () => number; happened: Tally; differences: string[] },
): Promise<Fleet> {
  const { random, happened, differences } = options;
  const ended: ServerProcess[] = [];
  const slot = (role: ProcessRole, settings: Record<string, string> = {}): Slot => ({ role, settings, process: null });
  const slots = [
    slot("api"),
    slot("api", { PORT: stage.secondPort }),
    slot("worker"),
    slot("worker"),
    slot("scheduler"),
  ] as const;

  /** As whatever supervises the processes would, again and again. */
  async function bringUp(slot: Slot): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        const process = await stage.deployment.start(slot.role, slot.settings);
        slot.process = process;
        void process.ended.then(() => {
          if (slot.process !== process) return;
          differences.push(`a process (${slot.role}) ended by itself:\n${process.output().slice(-2_000)}`);
        });
        return;
      } catch (error) {
        happened.add(`${slot.role} did not come up at once`);
        if (tries === START_TRIES_MAX) throw error;
        await Bun.sleep(500);
      }
    }
  }

  async function strike(): Promise<void> {
    const chosen = slots[Math.floor(random() * slots.length)];
    const victim = chosen?.process;
    if (!chosen || !victim) return;
    chosen.process = null;
    const signal = random() < TERM_SHARE ? "SIGTERM" : "SIGKILL";
    await victim.end(signal);
    ended.push(victim);
    happened.add(`${signal} of a process (${chosen.role})`);
    await Bun.sleep(random() * DOWN_MS_MAX);
    await bringUp(chosen);
    happened.add(`restart of a process (${chosen.role})`);
  }

  async function restartDatabase(mode: "fast" | "immediate"): Promise<void> {
    await stage.own.server.restart({ mode, downMs: random() * DATABASE_DOWN_MS_MAX });
    happened.add(`restart of the database (${mode})`);
  }

  // The first one makes the tables; the others would only wait for it.
  await bringUp(slots[0]);
  await Promise.all(slots.slice(1).map(bringUp));
  return {
    async harass(endsAt) {
      const begunAt = performance.now();
      const moment = (share: number) => begunAt + (endsAt - begunAt) * share;
      const killing = async () => {
        for (;;) {
          await Bun.sleep(Math.min(KILL_MS.least + random() * (KILL_MS.most - KILL_MS.least), endsAt - begunAt));
          if (performance.now() > endsAt) return;
          await strike();
        }
      };
      const restarting = async () => {
        for (const [share, mode] of [
          [0.35, "fast"],
          [0.7, "immediate"],
        ] as const) {
          await Bun.sleep(Math.max(0, moment(share) - performance.now()));
          await restartDatabase(mode);
        }
      };
      await Promise.all([killing(), restarting()]);
    },
    errors() {
      const tally = new Tally();
      const all = [...ended, ...slots.flatMap(({ process }) => process ?? [])];
      for (const line of all.flatMap((process) => process.log())) {
        if (line.level === "error" || line.level === "fatal") tally.add(`${line.level}: ${line.message}`);
      }
      return tally;
    },
  };
}
