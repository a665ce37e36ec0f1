import { beforeEach, expect, test } from "bun:test";
import { MINUTE_MS } from "../../../src/platform/clock.ts";
import { claim } from "../../../src/platform/queue/claim.ts";
import { park } from "../../../src/platform/queue/outcome.ts";
import { signIn, signOut } from "../../../src/platform/queue/presence.ts";
import { sortUnknownKinds, UNKNOWN_KIND } from "../../../src/platform/queue/unknown-kinds.ts";
import { jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
const PATIENCE_MS = 10 * MINUTE_MS;
let oldWorker: string;

beforeEach(async () => {
  oldWorker = await signIn(machinery().ctx, ["known"]);
});

test("P16 a job of a kind that no worker knows is left alone for a while, then parked and visible", async () => {
  const { ctx, clock, logLines } = machinery();
  const known = await put(ctx, "known");
  const unknown = await put(ctx, "from.the_future");
  clock.advance(PATIENCE_MS);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 0 });
  clock.advance(1);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 1, revived: 0 });
  expect(await jobRow(ctx, unknown)).toMatchObject({
    state: "parked",
    parkedReason: UNKNOWN_KIND,
    kind: "from.the_future",
    payload: { kind: "from.the_future" },
    failures: 0,
  });
  expect(await jobRow(ctx, known)).toMatchObject({ state: "ready" });
  expect(logLines.join("\n")).toContain("jobs of unknown kinds were parked");
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 0 });
});

test("P16 it comes back by itself as soon as a worker knows its kind, and is done then", async () => {
  const { ctx, clock } = machinery();
  const unknown = await put(ctx, "from.the_future");
  clock.advance(PATIENCE_MS + 1);
  await sortUnknownKinds(ctx);
  const newWorker = await signIn(ctx, ["from.the_future", "known"]);
  clock.advance(MINUTE_MS);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 1 });
  expect(await jobRow(ctx, unknown)).toEqual(
    expect.objectContaining({ state: "ready", parkedReason: null, runAt: clock.now() }),
  );
  expect((await claim(ctx, newWorker, ["from.the_future", "known"], 5)).map((job) => job.id)).toEqual([unknown]);
});

test("P16 with an old and a new worker side by side nothing is parked", async () => {
  const { ctx, clock } = machinery();
  await signIn(ctx, ["from.the_future", "known"]);
  await put(ctx, "from.the_future");
  clock.advance(10 * PATIENCE_MS);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 0 });
});

test("jobs parked for other reasons are not taken up, nor those that are not due", async () => {
  const { ctx, clock } = machinery();
  await put(ctx, "known");
  const [job] = await claim(ctx, oldWorker, ["known"], 1);
  if (job) await park(ctx, job, "pointless");
  await put(ctx, "from.the_future", { runAt: new Date(clock.now().getTime() + 5 * PATIENCE_MS) });
  clock.advance(2 * PATIENCE_MS);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 0 });
  expect(await jobRow(ctx, job?.id ?? "")).toMatchObject({ state: "parked", parkedReason: "pointless" });
});

test("while no worker at all is there, nothing is called unknown", async () => {
  const { ctx, clock } = machinery();
  await signOut(ctx, oldWorker);
  await put(ctx, "known");
  clock.advance(2 * PATIENCE_MS);
  expect(await sortUnknownKinds(ctx)).toEqual({ parked: 0, revived: 0 });
});
