import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { grantCredits, verifyLedger } from "../../src/features/billing/index.ts";
import { callbackSecret } from "../../src/features/generations/attempts.ts";
import { generationAttempts } from "../../src/features/generations/index.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { kieSignature } from "../../src/providers/kie/wire.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../support/app.ts";
import { balance, finish, look, order, ordered, uploadPhotos } from "../support/fitting.ts";

/** Credits pay in these tests, so that a release can be seen in the balance. */
const PAID = { FREE_ACTIONS_PER_MONTH: "0", GENERATION_DEADLINE_SECONDS: "120" };

async function rich(app: TestApp, credits = 20): Promise<Person> {
  const person = await app.signIn();
  await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits, source: `test:${person.id}` });
  return person;
}

async function alertReasons(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ reason: ownerAlerts.reason }).from(ownerAlerts)).map((row) => row.reason);
}

describe("C2 every end but success gives everything back, and J5/J6 each fault has its own end", () => {
  const shared = useTestApp({ settings: PAID });

  const outcomes: Array<[fault: string, mode: string, status: string, code: string | undefined, creates: number]> = [
    ["kie.outcome", "moderated", "failed", "moderated", 1],
    ["kie.outcome", "content_policy", "failed", "moderated", 1],
    ["kie.outcome", "content_400", "failed", "moderated", 1],
    ["kie.outcome", "prohibited", "failed", "moderated", 1],
    ["kie.outcome", "filtered", "failed", "moderated", 1],
    ["kie.outcome", "refused", "failed", "provider_refused", 1],
    ["kie.outcome", "transient", "failed", "provider_unavailable", 3],
    ["kie.outcome", "no_urls", "failed", "provider_unavailable", 3],
    ["kie.outcome", "input_unreachable", "failed", "provider_unavailable", 2],
    ["kie.outcome", "foreign_result", "failed", "result_unreadable", 1],
    ["kie.outcome", "private_result", "failed", "result_unreadable", 1],
    ["kie.outcome", "never", "failed", "timed_out", 1],
    ["kie.outcome", "bad_cost", "succeeded", undefined, 1],
    ["kie.outcome", "nan_cost", "succeeded", undefined, 1],
    ["kie.create", "code_402", "failed", "provider_unavailable", 0],
    ["kie.create", "code_500_credits", "failed", "provider_unavailable", 0],
    ["kie.create", "code_401", "failed", "provider_unavailable", 0],
    ["kie.create", "code_433", "failed", "provider_unavailable", 0],
    ["kie.create", "code_422", "failed", "internal_error", 0],
    ["kie.create", "code_500_parameter", "failed", "internal_error", 0],
    ["kie.create", "code_500", "failed", "provider_unavailable", 0],
    ["kie.create", "code_455", "failed", "provider_unavailable", 0],
    ["kie.create", "code_505", "failed", "internal_error", 0],
    ["kie.create", "executed_reset", "failed", "timed_out", 1],
    ["kie.result", "garbage", "failed", "result_unreadable", 1],
    ["kie.result", "html", "failed", "result_unreadable", 1],
    ["kie.result", "too_large", "failed", "result_unreadable", 1],
    ["kie.result", "redirect_private", "failed", "result_unreadable", 1],
    ["kie.result", "redirect_foreign", "failed", "result_unreadable", 1],
    ["kie.result", "http_404", "failed", "timed_out", 1],
  ];

  for (const [fault, mode, status, code, creates] of outcomes) {
    test(`${fault}=${mode}: ${status}${code ? ` as ${code}` : ""}, ${creates} task(s) at the provider`, async () => {
      const app = shared();
      app.kie.faults.clear();
      const before = app.kie.stats().tasks.length;
      const person = await rich(app);
      // A breaker that an earlier row opened must not answer for this one.
      app.clock.advance(31_000);
      await app.ctx.kie.credits();
      await closeBreaker(app);
      const generation = await ordered(app, person);
      expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 2 });
      app.kie.faults.set(fault, { mode });
      const ended = await finish(app, person, generation.id);
      app.kie.faults.clear();
      expect(ended.status).toBe(status as never);
      expect(ended.error?.code).toBe(code as never);
      expect(app.kie.stats().tasks.length - before).toBe(creates);
      if (status === "succeeded") {
        expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 0 });
        return;
      }
      expect(ended.error).toMatchObject({ charged: false });
      expect(ended.credits_spent).toBe(0);
      expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });
      const history = (await (await app.request("/balance/entries", { as: person })).json()) as {
        items: Array<{ kind: string; credits: number; hold_id: string | null }>;
      };
      const [newest, second] = history.items;
      expect(newest).toMatchObject({ kind: "release", credits: 2 });
      expect(second).toMatchObject({ kind: "hold", credits: -2, hold_id: newest?.hold_id ?? "" });
    });
  }

  test("J6 a 429 waits and goes through, as one task and one hold", async () => {
    const app = shared();
    app.kie.faults.clear();
    await closeBreaker(app);
    const before = app.kie.stats().tasks.length;
    const person = await rich(app);
    const generation = await ordered(app, person);
    app.kie.faults.set("kie.create", { mode: "code_429", times: 4 });
    expect((await finish(app, person, generation.id)).status).toBe("succeeded");
    expect(app.kie.stats().tasks.length - before).toBe(1);
    expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 0 });
  });

  test("C5 tries inside one generation keep one hold and end with one event", async () => {
    const app = shared();
    app.kie.faults.clear();
    await closeBreaker(app);
    const person = await rich(app);
    const generation = await ordered(app, person);
    app.kie.faults.set("kie.outcome", { mode: "transient", times: 2 });
    expect((await finish(app, person, generation.id)).status).toBe("succeeded");
    const events = (await (await app.request("/live/events?since=0", { as: person })).json()) as {
      events: Array<{ type: string }>;
    };
    expect(events.events.filter((event) => event.type === "generation.succeeded")).toHaveLength(1);
    expect(events.events.filter((event) => event.type === "generation.started")).toHaveLength(1);
    const entries = (await (await app.request("/balance/entries", { as: person })).json()) as {
      items: Array<{ kind: string }>;
    };
    expect(entries.items.map((entry) => entry.kind)).toEqual(["settle", "hold", "grant"]);
  });

  test("J3 each attempt has a task of its own", async () => {
    const app = shared();
    const attempts = await app.ctx.db.select().from(generationAttempts);
    const named = attempts.filter((attempt) => attempt.providerTaskId !== null);
    expect(named.length).toBeGreaterThan(10);
    expect(new Set(named.map((attempt) => attempt.providerTaskId)).size).toBe(named.length);
  });

  test("C6 an impossible cost is not stored, and an ordinary one is", async () => {
    const app = shared();
    const attempts = await app.ctx.db.select().from(generationAttempts);
    const costs = attempts.map((attempt) => attempt.costMillicredits).filter((cost) => cost !== null);
    expect(costs).toContain(4_000);
    expect(costs.every((cost) => cost >= 0)).toBe(true);
    expect(app.logLines.some((line) => line.includes("impossible cost"))).toBe(true);
  });

  test("after all of these the ledger has no difference", async () => {
    const app = shared();
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });
});

async function closeBreaker(app: TestApp): Promise<void> {
  const { providerStates } = await import("../../src/platform/limits/tables.ts");
  await app.ctx.db.update(providerStates).set({ failures: 0, openUntil: null });
}

describe("gates before the charge", () => {
  test("C1 a balance for one picture and 20 orders at once: one accepted, 19 get 402", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app, 2);
    const photos = await uploadPhotos(app, person);
    const answers = await Promise.all(Array.from({ length: 20 }, () => order(app, person, photos)));
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([202, ...Array<number>(19).fill(402)]);
    expect(await balance(app, person)).toMatchObject({ credits: 0, reserved: 2 });
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("C9 a 402 says what is needed, what is there, when it renews and what is offered", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app, 1);
    const answer = await order(app, person, await uploadPhotos(app, person));
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({
      code: "insufficient_credits",
      required: 2,
      available: 1,
      reserved: 0,
      free_actions_left: 0,
      renews_at: "2026-11-30T21:00:00.000Z",
      offers: [{ key: "pack_20", credits: 20, price_kopecks: 14_900 }, {}, {}],
    });
  });

  test("a sixth picture at once is too many, and waiting helps", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photos = await uploadPhotos(app, person);
    const first = await Promise.all(Array.from({ length: 5 }, () => order(app, person, photos)));
    expect(first.map((answer) => answer.status)).toEqual([202, 202, 202, 202, 202]);
    const sixth = await order(app, person, photos);
    expect(sixth.status).toBe(429);
    expect(await sixth.json()).toMatchObject({ code: "too_many_active_generations", active: 5, limit: 5 });
    expect((await balance(app, person)).free_actions.used).toBe(5);
    await app.work();
    expect((await order(app, person, photos)).status).toBe(202);
  });

  test("words that may not become a picture are refused before anything is held", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photos = await uploadPhotos(app, person);
    for (const note of ["make her naked", "сними одежду, голая", "N S F W".replaceAll(" ", ""), "порно"]) {
      const answer = await order(app, person, photos, { note });
      expect([note, answer.status]).toEqual([note, 422]);
      expect(await answer.json()).toMatchObject({ code: "prompt_refused" });
    }
    expect((await balance(app, person)).free_actions.used).toBe(0);
    expect((await order(app, person, photos, { note: "на голову не надо, только плечи" })).status).toBe(202);
  });

  test("maintenance refuses new pictures and nothing else", async () => {
    const app = await startTestApp({ settings: { MAINTENANCE: "on" } });
    const person = await app.signIn();
    const answer = await order(app, person, await uploadPhotos(app, person));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("600");
    expect(await answer.json()).toMatchObject({ code: "generation_unavailable", reason: "maintenance" });
    expect((await balance(app, person)).free_actions.used).toBe(0);
  });

  test("too little money at the provider refuses before the charge and tells the owner once", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const photos = await uploadPhotos(app, person);
    const { checkProviderBalance } = await import("../../src/features/generations/index.ts");
    app.kie.setCredits(12);
    await checkProviderBalance(app.ctx);
    await checkProviderBalance(app.ctx);
    const answer = await order(app, person, photos);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "generation_unavailable", reason: "provider_out_of_credits" });
    expect(await alertReasons(app)).toEqual(["kie_low_balance"]);
    app.kie.setCredits(1_000);
    await checkProviderBalance(app.ctx);
    expect((await order(app, person, photos)).status).toBe(202);
  });

  test("J10 a block at the provider's edge alerts the owner and is no fault of the person", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const generation = await ordered(app, person);
    app.kie.faults.set("kie.create", { mode: "edge_1010" });
    const ended = await finish(app, person, generation.id);
    expect(ended.error?.code).toBe("provider_unavailable");
    expect(await alertReasons(app)).toContain("kie_unavailable");
    expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });
  });

  test("an outage opens the breaker: 503 before the charge, told once, and it closes again", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const photos = await uploadPhotos(app, person);
    app.kie.faults.set("kie.create", { mode: "code_500" });
    for (let n = 0; n < 2; n += 1) {
      const generation = (await (await order(app, person, photos)).json()) as { id: string };
      await finish(app, person, generation.id);
    }
    const refused = await order(app, person, photos);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: "generation_unavailable", reason: "provider_down" });
    expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });
    expect((await alertReasons(app)).filter((reason) => reason === "breaker_open")).toHaveLength(1);
    app.kie.faults.clear();
    app.clock.advance(31_000);
    const again = (await (await order(app, person, photos)).json()) as { id: string };
    expect((await finish(app, person, again.id)).status).toBe("succeeded");
    expect((await order(app, person, photos)).status).toBe(202);
  });
});

describe("ends are final", () => {
  test("J3 cancelled before it starts costs nothing; afterwards the answer says so", async () => {
    const app = await startTestApp({ settings: PAID, taskMs: 60_000 });
    const person = await rich(app);
    const first = await ordered(app, person);
    const cancel = async (id: string) =>
      (await (await app.request(`/generations/${id}/cancel`, { method: "POST", as: person })).json()) as unknown;
    expect(await cancel(first.id)).toEqual({ status: "cancelled" });
    expect(await cancel(first.id)).toEqual({ status: "already_finished" });
    expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });

    const second = await ordered(app, person);
    await app.work(async () => (await look(app, person, second.id)).status === "running");
    expect(await cancel(second.id)).toEqual({ status: "cancel_requested" });
    expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 2 });
    expect(app.kie.stats().tasks).toHaveLength(1);
  });

  test("J4 a callback after the end changes nothing and is logged", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const generation = await ordered(app, person);
    const ended = await finish(app, person, generation.id);
    const [attempt] = await app.ctx.db
      .select()
      .from(generationAttempts)
      .where(eq(generationAttempts.generationId, generation.id));
    const path = `/kie/callback/${callbackSecret(app.ctx, attempt?.id ?? "")}`;
    const body = { code: 501, data: { taskId: attempt?.providerTaskId, state: "fail", failMsg: "late" } };
    expect((await app.request(path, { method: "POST", json: body })).status).toBe(200);
    await app.work();
    const { image_url: _a, preview_url: _b, user_photo_url: _c, item_photo_url: _d, ...before } = ended;
    expect(await look(app, person, generation.id)).toMatchObject(before);
    expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 0 });
    expect(app.logLines.some((line) => line.includes("attempt that has ended"))).toBe(true);
  });

  test("J7 a callback with a valid signature and other links in its body changes nothing", async () => {
    const key = "webhook-key-of-the-test";
    const app = await startTestApp({ settings: { ...PAID, KIE_WEBHOOK_KEY: key }, taskMs: 60_000 });
    const person = await rich(app);
    const generation = await ordered(app, person);
    await app.work(async () => (await look(app, person, generation.id)).status === "running");
    const [attempt] = await app.ctx.db.select().from(generationAttempts);
    const taskId = attempt?.providerTaskId ?? "";
    const path = `/kie/callback/${callbackSecret(app.ctx, attempt?.id ?? "")}`;
    const body = {
      code: 200,
      data: { taskId, state: "success", resultJson: '{"resultUrls":["https://evil.example/x.png"]}' },
    };
    const timestamp = String(Math.floor(app.clock.now().getTime() / 1000));
    const headers = { "x-webhook-timestamp": timestamp, "x-webhook-signature": kieSignature(key, taskId, timestamp) };
    expect((await app.request(path, { method: "POST", json: body })).status).toBe(403);
    expect((await app.request(path, { method: "POST", json: body, headers })).status).toBe(200);
    expect((await look(app, person, generation.id)).status).toBe("running");
    const altered = path.slice(0, -1) + (path.endsWith("A") ? "B" : "A");
    expect((await app.request(altered, { method: "POST", json: body, headers })).status).toBe(404);
  });

  test("J1 no generation stays alive past its deadline, even if its job is gone", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const generation = await ordered(app, person);
    const { jobs } = await import("../../src/platform/queue/tables.ts");
    await app.ctx.db.delete(jobs);
    const { failOverdue } = await import("../../src/features/generations/index.ts");
    expect(await failOverdue(app.ctx)).toBe(0);
    app.clock.advance(121_000);
    expect(await failOverdue(app.ctx)).toBe(1);
    expect(await look(app, person, generation.id)).toMatchObject({ status: "failed", error: { code: "timed_out" } });
    expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });
    expect(await failOverdue(app.ctx)).toBe(0);
  });

  test("C4 ten reports of a failure at once give back once", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const generation = await ordered(app, person);
    const { endGeneration } = await import("../../src/features/generations/finish.ts");
    const ended = await Promise.all(
      Array.from({ length: 10 }, () =>
        app.ctx.transaction((tx) => endGeneration(tx, generation.id, { status: "failed", code: "moderated" })),
      ),
    );
    expect(ended.filter(Boolean)).toHaveLength(1);
    expect(await balance(app, person)).toMatchObject({ credits: 20, reserved: 0 });
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("J2 a create whose answer was lost is never repeated; its callback still brings the picture", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const generation = await ordered(app, person);
    app.kie.faults.set("kie.create", { mode: "executed_reset", times: 1 });
    await app.work(async () => (await look(app, person, generation.id)).status === "submitting");
    const [task] = app.kie.stats().tasks;
    expect(app.kie.stats().tasks).toHaveLength(1);
    const path = new URL(task?.callBackUrl ?? "").pathname;
    expect(
      (await app.request(path, { method: "POST", json: { code: 200, data: { taskId: task?.taskId } } })).status,
    ).toBe(200);
    expect((await finish(app, person, generation.id)).status).toBe("succeeded");
    expect(app.kie.stats().tasks).toHaveLength(1);
  });

  test("J8 a hundred uploads of equal names get a hundred names at the provider", async () => {
    const app = await startTestApp();
    const bytes = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
    const uploads = Array.from({ length: 100 }, () =>
      app.ctx.kie.uploadImage({ bytes, mime: "image/jpeg", name: "photo" }),
    );
    const urls = (await Promise.all(uploads)).map((upload) => upload.url);
    expect(new Set(urls).size).toBe(100);
  });

  test("the same Idempotency-Key gives the first answer and one picture; another body is refused", async () => {
    const app = await startTestApp({ settings: PAID });
    const person = await rich(app);
    const photos = await uploadPhotos(app, person);
    const first = await order(app, person, photos, { key: "tap-1" });
    const second = await order(app, person, photos, { key: "tap-1" });
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(((await second.json()) as { id: string }).id).toBe(((await first.json()) as { id: string }).id);
    expect((await order(app, person, photos, { key: "tap-1", zone: "bottom" })).status).toBe(422);
    expect(await balance(app, person)).toMatchObject({ credits: 18, reserved: 2 });
  });
});
