import { describe, expect, test } from "bun:test";
import { inArray } from "drizzle-orm";
import { after, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { jobs, workers } from "../../src/platform/queue/tables.ts";
import { setDoctorStage } from "../support/doctor-stage.ts";

const { addScheduler, addWorker, app, examine } = await setDoctorStage();

describe("atelier doctor", () => {
  test("workers of two versions are an upgrade that was left half done", async () => {
    await addWorker(new Date());
    const rows = await app.ctx.db.select().from(workers);
    await app.ctx.db
      .insert(workers)
      .values({ ...rows[0], id: newId(), version: "9.9.9 (f00)" } as typeof workers.$inferInsert);
    const { check } = await examine();
    expect(check("workers")).toMatchObject({
      status: "warning",
      lines: ["1 of 9.9.9 (f00)", "1 of a version that does not tell"],
    });
  });

  test("P16 parked jobs are counted by kind and reason", async () => {
    const kinds = ["future.kind", "future.kind", "test.broken"];
    for (const kind of kinds) await enqueue(app.ctx, kind, {});
    // Only these: jobs of earlier tests, such as answers of the bot, may stand there too.
    await app.ctx.db
      .update(jobs)
      .set({ state: "parked", parkedReason: "unknown job kind" })
      .where(inArray(jobs.kind, kinds));
    const { code, check } = await examine();
    expect({ code, ...check("dead letters") }).toMatchObject({
      code: 0,
      status: "warning",
      lines: ["2 future.kind: unknown job kind", "1 test.broken: unknown job kind"],
    });
    expect(check("dead letters").text).toContain("atelier jobs retry --all-parked");
  });

  test("work that nobody does is a failure once it is ten minutes old", async () => {
    await enqueue(app.ctx, "generation.run", {}, { runAt: after(new Date(), -11 * MINUTE_MS) });
    await addWorker(after(new Date(), -HOUR_MS));
    const { code, check } = await examine();
    expect(code).toBe(1);
    expect(check("queue")).toMatchObject({ status: "failed" });
    expect(check("queue").text).toMatch(
      /^1 jobs ready, 1 of them due, the oldest for 6\d\d s; 0 in work\. Workers do not/,
    );
    expect(check("workers").status).toBe("warning");
  });

  test("J1 a scheduler that fell silent without another taking over is worth a warning", async () => {
    await addScheduler(after(new Date(), -MINUTE_MS));
    const { check } = await examine();
    expect(check("scheduler").status).toBe("warning");
    expect(check("scheduler").text).toMatch(/^Process 41 on elsewhere acted last 6\d s ago, and none has taken over\./);
  });
});
