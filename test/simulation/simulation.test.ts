import { expect, test } from "bun:test";
import { campaign } from "./campaign.ts";

/** In the gate: what fits into a few seconds, from a seed that stands still. By hand: `SIMULATION_HISTORIES=100000`. */
const HISTORIES = Number(process.env.SIMULATION_HISTORIES ?? 80);
const FIRST_SEED = Number(process.env.SIMULATION_SEED ?? 1);
const REPORT_EVERY = 500;

test(
  "C3 C4 C8 P3 P4 Q4 whatever happens in whatever order, breaks off and comes back, money, credits and pictures add up",
  async () => {
    const { histories, steps, seconds, failure } = await campaign(FIRST_SEED, HISTORIES, (done, stepsSoFar) => {
      if (done % REPORT_EVERY === 0) process.stderr.write(`${done} histories, ${stepsSoFar} steps\n`);
    });
    const rate = Math.round((histories / seconds) * 60);
    process.stderr.write(`${histories} histories, ${steps} steps, ${seconds.toFixed(1)} s, ${rate} a minute\n`);
    if (failure !== null) throw new Error(failure.text);
    expect(steps).toBeGreaterThan(histories * 5);
  },
  { timeout: 24 * 3_600_000 },
);
