import { describe, expect, test } from "bun:test";
import { newId } from "../../../src/platform/ids.ts";
import { createPanelHints, PANEL_TOPICS, type PanelHint, wakePanel } from "../../../src/platform/live/panel-hints.ts";
import { lane } from "../../support/database.ts";
import { put } from "../../support/jobs.ts";
import { type MachineryContext, useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();
/** Between two frames here. */
const EVERY_MS = 150;
/** Longer than frames are gathered for, so that what has not come by then does not come. */
const LONG_MS = 3 * EVERY_MS;

function startHints(ctx: MachineryContext) {
  const hints = createPanelHints(ctx, EVERY_MS);
  machinery().atEnd(async () => hints.stop());
  return hints;
}

/** An operator's socket whose first frame has come. */
async function listen(hints: ReturnType<typeof startHints>, role: () => Promise<boolean> = async () => true) {
  const frames: (PanelHint & { atMs: number })[] = [];
  const stop = hints.watch({
    isOperator: role,
    deliver: (hint) => frames.push({ ...hint, atMs: performance.now() }) > 0,
  });
  await until(() => frames.length === 1, "the first frame");
  return { frames, stop, topics: () => frames.slice(1).map((frame) => frame.data.topics) };
}

describe("hints for the owner's panel", () => {
  test("begin with everything, and then name what changed, once for whatever one moment brings", async () => {
    const { ctx, clock } = machinery();
    const { frames, topics } = await listen(startHints(ctx));
    expect(frames[0]).toMatchObject({
      type: "panel",
      at: clock.now().toISOString(),
      data: { topics: [...PANEL_TOPICS] },
    });
    await ctx.transaction(async (tx) => {
      wakePanel(tx, "payments");
      wakePanel(tx, "audit");
      wakePanel(tx, "payments");
    });
    await until(() => frames.length === 2, "what changed");
    expect(topics()).toEqual([["payments", "audit"]]);
    await Bun.sleep(LONG_MS);
    expect(frames).toHaveLength(2);
  });

  test("follow new jobs and the owner's switch without a word of their own, and nothing that was rolled back", async () => {
    const { ctx } = machinery();
    const { frames, topics } = await listen(startHints(ctx));
    const undone = ctx.transaction(async (tx) => {
      wakePanel(tx, "figures");
      throw new Error("undone");
    });
    await undone.catch(() => {});
    await ctx.transaction((tx) => put(tx));
    ctx.wakeUps.wake("maintenance");
    ctx.wakeUps.wake("live", newId());
    ctx.wakeUps.wake("sessions", newId());
    await until(() => frames.length === 2, "what changed");
    await Bun.sleep(LONG_MS);
    expect(topics()).toEqual([["jobs", "maintenance"]]);
  });

  test("come at most so often however much happens, and the last change is never left out", async () => {
    const { ctx } = machinery();
    const { frames, topics } = await listen(startHints(ctx));
    const begun = performance.now();
    while (performance.now() - begun < 4 * EVERY_MS) {
      ctx.wakeUps.wake("panel", "generations");
      await Bun.sleep(1);
    }
    ctx.wakeUps.wake("panel", "figures");
    await until(() => topics().at(-1)?.includes("figures") === true, "the last change");
    expect(frames.length).toBeLessThanOrEqual(7);
    // The first one apart: it is the answer to the opening.
    for (const [place, frame] of frames.slice(2).entries()) {
      expect(frame.atMs - (frames[place + 1]?.atMs ?? 0)).toBeGreaterThan(EVERY_MS - 20);
    }
  });

  test("ask for the role before each frame, and end with it; a role that cannot be read is none", async () => {
    const { ctx, logLines } = machinery();
    const hints = startHints(ctx);
    let role = async () => true;
    const changing = await listen(hints, () => role());
    const { frames } = await listen(hints);
    const never: PanelHint[] = [];
    hints.watch({ isOperator: async () => false, deliver: (hint) => never.push(hint) > 0 });
    ctx.wakeUps.wake("panel", "payments");
    await until(() => frames.length === 2 && changing.frames.length === 2, "both hear it");
    role = async () => false;
    ctx.wakeUps.wake("panel", "payments");
    await until(() => frames.length === 3, "the other one hears it");
    expect(hints.size).toBe(1);
    role = async () => true;
    ctx.wakeUps.wake("panel", "payments");
    await until(() => frames.length === 4, "the other one hears it again");
    expect(changing.frames).toHaveLength(2);
    expect(never).toEqual([]);

    role = () => Promise.reject(new Error("the database is away"));
    const broken: PanelHint[] = [];
    hints.watch({ isOperator: () => role(), deliver: (hint) => broken.push(hint) > 0 });
    await until(() => logLines.some((line) => line.includes("role could not be read")), "a line in the log");
    expect(broken).toEqual([]);
  });

  test("ask nobody and keep nothing while no operator is connected", async () => {
    const { ctx } = machinery();
    const hints = startHints(ctx);
    let asked = 0;
    const stop = hints.watch({
      async isOperator() {
        asked += 1;
        return false;
      },
      deliver: () => true,
    });
    await until(() => asked === 1, "the role is asked for at the opening");
    for (let index = 0; index < 100; index += 1) ctx.wakeUps.wake("panel", "jobs");
    await Bun.sleep(LONG_MS);
    expect([asked, hints.size]).toEqual([1, 0]);
    stop();
    const { frames } = await listen(hints);
    await Bun.sleep(LONG_MS);
    expect(frames).toHaveLength(1);
  });

  test("are dropped for a socket that takes no more, and after the end of one", async () => {
    const { ctx } = machinery();
    const hints = startHints(ctx);
    const { frames, stop } = await listen(hints);
    let refused = 0;
    hints.watch({
      isOperator: async () => true,
      deliver() {
        refused += 1;
        return false;
      },
    });
    await until(() => refused === 1, "the full one refuses");
    stop();
    expect(hints.size).toBe(0);
    ctx.wakeUps.wake("panel", "jobs");
    await Bun.sleep(LONG_MS);
    expect([frames.length, refused]).toEqual([1, 1]);
  });
});

describe.skipIf(lane === "sqlite")("between processes (Postgres only: SQLite has one process)", () => {
  test("what one does is hinted at in the other; words of another version are passed over", async () => {
    const { ctx, another } = machinery();
    const other = await another();
    await ctx.wakeUps.start();
    await other.ctx.wakeUps.start();
    const { frames, topics } = await listen(startHints(ctx));
    let isHeard = false;
    ctx.wakeUps.subscribe("panel", () => {
      isHeard = true;
    });
    other.ctx.wakeUps.wake("panel", "a_page_of_tomorrow");
    await until(() => isHeard, "the word of tomorrow");
    await Bun.sleep(LONG_MS);
    expect(frames).toHaveLength(1);
    other.ctx.wakeUps.wake("panel", "figures");
    await until(() => frames.length === 2, "it is heard here");
    expect(topics()).toEqual([["figures"]]);
  });

  test("ten thousand changes in less than a second are one notice", async () => {
    const { ctx, another } = machinery();
    const bystander = (await another()).open;
    const notices: string[] = [];
    await bystander.listen(
      "atelier_panel",
      (payload) => notices.push(payload),
      () => {},
    );
    for (let round = 0; round < 50; round += 1) {
      for (let index = 0; index < 200; index += 1) ctx.wakeUps.wake("panel", PANEL_TOPICS[index % 3]);
      await Bun.sleep(5);
    }
    await until(() => notices.length > 0, "a notice");
    await Bun.sleep(LONG_MS);
    expect(notices).toHaveLength(1);
  });
});
