import { describe, expect, test } from "bun:test";
import type { Context } from "../src/context.ts";
import { inTurn } from "../src/jobs.ts";
import type { LeasedJob } from "../src/platform/queue/claim.ts";
import { DONE, type JobOutcome, later } from "../src/platform/queue/outcome.ts";

const GIVEN_UP: JobOutcome = { kind: "give_up", reason: "pointless" };
const ctx = {} as Context;
const job = {} as LeasedJob;

/** Runs handlers that end like this in turn; says how it ended and which of them ran. */
async function run(...ends: Array<JobOutcome | Error>): Promise<{ outcome: JobOutcome; ran: number[] }> {
  const ran: number[] = [];
  const handlers = ends.map((end, place) => async () => {
    await Bun.sleep(ends.length - place);
    ran.push(place);
    if (end instanceof Error) throw end;
    return end;
  });
  return { outcome: await inTurn(...handlers)(ctx, job), ran };
}

describe("several handlers of one kind of job", () => {
  test("run one after another, and the job is done when all are", async () => {
    expect(await run(DONE, DONE, DONE)).toEqual({ outcome: DONE, ran: [0, 1, 2] });
  });

  test("all run behind one that fails, and the job fails with its fault", async () => {
    const fault = new Error("no luck");
    expect(await run(DONE, fault, new Error("nor here"), DONE)).toEqual({
      outcome: { kind: "failed", error: fault },
      ran: [0, 1, 2, 3],
    });
  });

  test("what may still succeed is tried again before anything is given up", async () => {
    const fault = new Error("no luck");
    expect((await run(GIVEN_UP, later(5), fault)).outcome).toEqual({ kind: "failed", error: fault });
    expect((await run(GIVEN_UP, later(5), DONE)).outcome).toEqual(later(5));
    expect((await run(DONE, GIVEN_UP, DONE)).outcome).toEqual(GIVEN_UP);
  });
});
