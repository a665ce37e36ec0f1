import { readFile } from "node:fs/promises";

/** Linux counts in hundredths of a second on every machine that this runs on (proc(5), USER_HZ). */
const TICK_MS = 10;
/** Behind the name: the state is the first, then user and system time. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** What a process has taken of the processors so far, all of its threads together, in ms. */
export async function processorMs(processId: number): Promise<number> {
  const facts = await readFile(`/proc/${processId}/stat`, "latin1");
  // A name may hold spaces and brackets.
  const fields = facts.slice(facts.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) * TICK_MS;
}
