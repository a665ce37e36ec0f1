import type { Clock } from "../../../src/platform/clock.ts";
import { CLOCK_AHEAD_MS } from "./points.ts";

export * from "../../../src/platform/clock.ts";

const aheadMs = Number(process.env[CLOCK_AHEAD_MS] ?? 0);

/** Stands in for the machine's clock in the test's build: goes with it, so far ahead as the test says. */
export const systemClock: Clock = { now: () => new Date(Date.now() + aheadMs) };
