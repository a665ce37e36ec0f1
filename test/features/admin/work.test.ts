import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { verifyLedger } from "../../../src/features/billing/index.ts";
import { generations } from "../../../src/features/generations/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim } from "../../../src/platform/queue/claim.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { giveBackFailed } from "../../../src/platform/queue/outcome.ts";
import { signIn, signOut } from "../../../src/platform/queue/presence.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { finish, order, ordered, uploadPhotos } from "../../support/fitting.ts";
import { usePanelTeam } from "../../support/panel-team.ts";

const panel = usePanelTeam();

describe("what an operator does about work", () => {
  test("a stuck picture is ended through the one function that ends any, and comes back to its person", async () => {
    const { app, team, ask, trailOf } = panel();
    const { ctx, kie, signIn, work } = app;
    const person = await signIn();
    kie.faults.set("kie.outcome", { mode: "never", times: 1 });
    const { id } = await ordered(app, person);
    const status = async () => (await ctx.db.select().from(generations).where(eq(generations.id, id)))[0]?.status;
    await work(async () => (await status()) === "running");
    const trail = await trailOf(async () => {
      const { body } = await ask(`/generations/${id}/release`, { reason: "stuck for an hour" }, team.support);
      expect(body).toMatchObject({ status: "failed", error: "internal_error" });
      expect((await ask(`/generations/${id}/release`, { reason: "stuck for an hour" })).body.code).toBe(
        "already_finished",
      );
    });
    expect(trail).toMatchObject([
      { action: "generation.release", before: { status: "running" }, after: { status: "failed" } },
    ]);
    expect((await ask(`/generations/${id}`)).body).toMatchObject({ hold: { state: "released" } });
    expect((await ask(`/generations?status=failed&error=internal_error&person=${person.id}`)).body.items).toHaveLength(
      1,
    );
    expect((await verifyLedger(ctx)).differences).toEqual([]);
    const again = await trailOf(async () => {
      const key = { "idempotency-key": `r-${id}` };
      const made = await ask(`/generations/${id}/retry`, { reason: "try once more" }, team.support, key);
      const repeated = await ask(`/generations/${id}/retry`, { reason: "try once more" }, team.support, key);
      expect(repeated.body.id).toBe(made.body.id);
      expect(made.status).toBe(202);
      expect(await finish(app, person, String(made.body.id))).toMatchObject({ status: "succeeded" });
      expect((await ask(`/generations/${String(made.body.id)}/retry`, { reason: "again" })).body.code).toBe(
        "already_finished",
      );
    });
    expect(again.map((one) => one.action)).toEqual(["generation.retry"]);
    expect((await verifyLedger(ctx)).differences).toEqual([]);
  });

  test("a retry that the person cannot pay for changes nothing", async () => {
    const { app, ask, trailOf } = panel();
    const { ctx, signIn, work } = app;
    const person = await signIn();
    const photos = await uploadPhotos(app, person);
    for (let number = 0; number < 3; number += 1) await order(app, person, photos);
    await work();
    const [done] = await ctx.db.select().from(generations).where(eq(generations.userId, person.id));
    await ctx.db
      .update(generations)
      .set({ status: "failed", errorCode: "timed_out" })
      .where(eq(generations.id, done?.id ?? ""));
    const trail = await trailOf(async () => {
      const { status } = await ask(`/generations/${done?.id}/retry`, { reason: "cannot pay" });
      expect(status).toBe(402);
    });
    expect(trail).toEqual([]);
  });

  test("a dead letter runs again, a waiting job is parked, and all of a kind run again", async () => {
    const { app, ask, trailOf } = panel();
    const { ctx } = app;
    const ids = [newId(), newId(), newId()];
    for (const id of ids) {
      await ctx.transaction((tx) =>
        enqueue(tx, "test.nothing", {}, { uniqueKey: id, runAt: new Date(Date.now() + 1e9) }),
      );
    }
    const rows = await ctx.db.select().from(jobs).where(eq(jobs.kind, "test.nothing"));
    const [first = "", second = ""] = rows.map((job) => job.id);
    const reason = "waits for support";
    const trail = await trailOf(async () => {
      expect((await ask(`/queue/jobs/${first}/park`, { reason })).body).toMatchObject({ state: "parked" });
      expect((await ask(`/queue/jobs/${first}/park`, { reason })).body.code).toBe("already_finished");
      await ask(`/queue/jobs/${second}/park`, { reason });
      const parked = await ask("/queue/jobs?state=parked&kind=test.nothing");
      expect(parked.body.items?.map((one) => one.id)).toEqual([second, first].toSorted().toReversed());
      expect((await ask("/queue")).body).toMatchObject({ parked: 2 });
      expect((await ask(`/queue/jobs/${first}/retry`, { reason: "mended" })).body).toMatchObject({
        state: "ready",
        failures: 0,
      });
      expect((await ask("/queue/retry", { kind: "test.nothing", reason: "mended" })).body).toEqual({ jobs: 1 });
    });
    expect(trail.map((one) => one.action)).toEqual(["jobs.retry_parked", "job.retry", "job.park", "job.park"]);
    await ctx.db.delete(jobs).where(eq(jobs.kind, "test.nothing"));
  });

  test("one job is shown with its tries, its lease and its error, and with nothing that somebody typed", async () => {
    const { app, team, ask } = panel();
    const { ctx } = app;
    const userId = newId();
    const payload = {
      ...{ user_id: userId, lane: "texts", count: 3, again: true, ids: [userId, "a word of theirs"] },
      ...{
        telegram_id: 4711,
        start_param: "anna",
        prompt: "a red dress, please",
        details: { name: "Anna", at: userId },
      },
    };
    const id =
      (await ctx.transaction((tx) => enqueue(tx, "test.shown", payload, { uniqueKey: `shown:${userId}` }))) ?? "";
    const look = async () => (await ask(`/queue/jobs/${id}`, undefined, team.viewer)).body;
    expect(await look()).toEqual({
      job: expect.objectContaining({
        id,
        kind: "test.shown",
        state: "ready",
        failures: 0,
        claims: 0,
        last_error: null,
      }),
      ...{ priority: 30, turn: 0, unique_key: `shown:${userId}`, worker: null, known_to_a_worker: false },
    });
    const listed = await ask("/queue/jobs?kind=test.shown", undefined, team.viewer);
    for (const job of [(await look()).job, listed.body.items?.[0]] as { payload: unknown }[]) {
      expect(job.payload).toEqual({
        ...{ user_id: userId, lane: "texts", count: 3, again: true, ids: [userId, "…"] },
        ...{ telegram_id: "…", start_param: "…", prompt: "…", details: { name: "…", at: userId } },
      });
    }

    const workerId = await signIn(ctx, ["test.shown"]);
    const [leased] = await claim(ctx, workerId, ["test.shown"], 1);
    expect(await look()).toMatchObject({
      job: { state: "leased", claims: 1 },
      worker: { id: workerId, alive: true, jobs_in_hand: 1 },
      known_to_a_worker: true,
    });
    if (!leased) throw new Error("the job is in hand");
    await giveBackFailed(ctx, leased, new Error("it did not work"), { triesMax: 1, random: () => 0.5 });
    expect(await look()).toMatchObject({
      job: {
        state: "parked",
        failures: 1,
        parked_reason: "failed too often: 1 times",
        last_error: expect.stringContaining("did not work"),
      },
      worker: null,
    });
    await ctx.db.delete(jobs).where(eq(jobs.id, id));
    for (const gone of [id, "not-an-id"]) {
      const { status, body } = await ask(`/queue/jobs/${gone}`);
      expect([status, body.code]).toEqual([404, "not_found"]);
    }
    await signOut(ctx, workerId);
  });
});
