import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { payments, verifyLedger } from "../../src/features/billing/index.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { cleanUp, erasePerson, erasures, finishErasure } from "../../src/features/privacy/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim, type LeasedJob } from "../../src/platform/queue/claim.ts";
import { giveBackFailed } from "../../src/platform/queue/outcome.ts";
import { startTestApp } from "../support/app.ts";
import { order, uploadPhotos } from "../support/fitting.ts";
import { leaveWorkUnderWay, MARKERS, signInMarked } from "../support/full-person.ts";
import { withKillPoints } from "../support/kill-points.ts";
import { storedFiles, tracesInTables } from "../support/traces.ts";

class Crash extends Error {}

const WORDS = [MARKERS.telegramId, MARKERS.firstName, MARKERS.note];

test(
  "X4 an erasure that is broken off at any write leaves everything as it was, or is done and finished by its job",
  async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    await leaveWorkUnderWay(app, person, MARKERS.note);
    const before = (await tracesInTables(app, WORDS)).length;
    let at = 0;
    for (let isErased = false; !isErased; at += 1) {
      const ctx = withKillPoints(app.open, (point) => {
        if (point === at + 1) throw new Crash();
      });
      const crashed = await erasePerson(ctx, { userId: person.id, askedBy: "person" }).then(
        () => false,
        (error: unknown) => {
          if (!(error instanceof Crash)) throw error;
          return true;
        },
      );
      const [row] = await app.ctx.db.select().from(users).where(eq(users.id, person.id));
      isErased = row?.erasedAt !== null;
      expect((await app.request("/profile", { as: person })).status).toBe(isErased ? 401 : 200);
      expect((await tracesInTables(app, WORDS)).length).toBe(isErased ? 0 : before);
      expect(await app.ctx.db.select().from(erasures)).toHaveLength(isErased ? 1 : 0);
      expect((await verifyLedger(app.ctx)).differences).toEqual([]);
      expect([at, crashed]).toEqual([at, true]);
    }
    // Every statement was a point, and the last of them stands behind the commit.
    expect(at).toBeGreaterThan(25);
    await app.work();
    expect(storedFiles(app).size).toBe(0);
    expect((await app.ctx.db.select().from(erasures))[0]?.completedAt).not.toBeNull();
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  },
  MINUTE_MS,
);

test(
  "X4 the job that finishes it may be broken off at any write too",
  async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    await uploadPhotos(app, person);
    await erasePerson(app.ctx, { userId: person.id, askedBy: "person" });
    app.clock.advance(HOUR_MS);
    let runs = 0;
    for (let at = 1; (await app.ctx.db.select().from(files)).length > 0; at += 1) {
      const ctx = withKillPoints(app.open, (point) => {
        if (point === at) throw new Crash();
      });
      const [job] = (await claim(app.ctx, newId(), ["privacy.finish_erasure"], 1)) as LeasedJob[];
      if (!job) throw new Error("the job is gone before its work");
      await finishErasure(ctx, job).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      await giveBackFailed(app.ctx, { ...job, failures: 0 }, new Crash(), { triesMax: 9, random: () => 0 });
      app.clock.advance(HOUR_MS);
      runs += 1;
    }
    expect(runs).toBeGreaterThan(10);
    await app.work();
    expect(storedFiles(app).size).toBe(0);
    expect((await app.ctx.db.select().from(erasures))[0]?.completedAt).not.toBeNull();
  },
  MINUTE_MS,
);

test(
  "X4 money that comes after an erasure is in the books, its credits are booked out, and the owner hears of it",
  async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    const create = { method: "POST", as: person, json: { product: "pack_60" } };
    const { payment } = (await (await app.request("/payments/create", create)).json()) as { payment: { id: string } };
    expect((await order(app, person, await uploadPhotos(app, person))).status).toBe(202);
    await erasePerson(app.ctx, { userId: person.id, askedBy: "person" });
    // What comes while it is under way ends with it; this comes when it is through.
    await app.work();
    const row = async () => (await app.ctx.db.select().from(payments).where(eq(payments.id, payment.id)))[0];
    expect(await row()).toMatchObject({ status: "pending", confirmationUrl: null });
    const object = app.yooKassa.pay((await row())?.yookassaId ?? "");
    const notice = { type: "notification", event: "payment.succeeded", object };
    expect((await app.request("/payments/webhook", { method: "POST", json: notice })).status).toBe(200);
    await app.work();
    expect(await row()).toMatchObject({ status: "succeeded", taxKopecks: 1_596 });
    expect(await cleanUp(app.ctx, { dryRun: true })).toMatchObject({ late_credits_people: 1 });
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ late_credits_people: 1 });
    expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ late_credits_people: 0 });
    const [stub] = await app.ctx.db.select().from(users).where(eq(users.id, person.id));
    expect(stub).toMatchObject({ balanceCredits: 0, firstName: "" });
    const alerts = await app.ctx.db.select().from(ownerAlerts);
    expect(alerts.map((alert) => alert.reason)).toEqual(["paid_after_erasure"]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
    expect(await tracesInTables(app, WORDS)).toEqual([]);
  },
  MINUTE_MS,
);
