import { appendFileSync, readFileSync } from "node:fs";

/** What the test's build of the program is told, and nothing else knows. */
export const KILL_JOURNAL = "KILL_JOURNAL";
export const KILL_AT = "KILL_AT";
export const CLOCK_AHEAD_MS = "CLOCK_AHEAD_MS";

const journal = process.env[KILL_JOURNAL];
const killAt = Number(process.env[KILL_AT] ?? 0);

/**
 * A moment at which the program may die. Each is a line in the journal, which all processes of a stage share, so the
 * points are found by running and counted through; at the one with the number in `KILL_AT` the process is gone.
 */
export function killPoint(what: string): void {
  if (journal === undefined) return;
  appendFileSync(journal, `${what}\n`);
  if (pointsIn(journal).length === killAt) process.kill(process.pid, "SIGKILL");
}

const UNCOMMITTED = " (uncommitted)";

/** A write inside a transaction; dying behind it is dying before the transaction. */
export function uncommittedPoint(what: string): void {
  killPoint(what + UNCOMMITTED);
}

/** Whether nothing new stays of what came before this point. */
export function isUncommitted(point: string): boolean {
  return point.endsWith(UNCOMMITTED);
}

/** The points that were reached so far, in their order. */
export function pointsIn(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}
