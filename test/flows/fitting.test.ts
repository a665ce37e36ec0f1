import { describe, expect, test } from "bun:test";
import { grantCredits, verifyLedger } from "../../src/features/billing/index.ts";
import { startTestApp } from "../support/app.ts";
import { balance, finish, look, ordered } from "../support/fitting.ts";

describe("a try-on through the front door", () => {
  test("is paid by a free action, made, marked and delivered", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const generation = await ordered(app, person, { zone: "outerwear", note: "sleeves rolled up" });
    expect(generation).toMatchObject({
      status: "queued",
      progress: 0,
      credits_spent: 0,
      free_action: true,
      watermarked: true,
    });
    expect((await balance(app, person)).free_actions).toMatchObject({ limit: 10, used: 1 });

    const ended = await finish(app, person, generation.id);
    expect(ended).toMatchObject({ status: "succeeded", progress: 100, watermarked: true });
    expect(ended.image_url).toStartWith("http://127.0.0.1:9/api/v1/files/");
    const file = await app.request(new URL(ended.image_url ?? "").pathname);
    expect(file.status).toBe(200);
    expect(file.headers.get("content-type")).toBe("image/jpeg");
    expect((await file.bytes()).byteLength).toBeGreaterThan(1_000);
    expect(app.kie.stats().creates.accepted).toBe(1);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("is paid by credits where no free action is left, and is then clean", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await app.signIn();
    await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 5, source: "test" });
    const generation = await ordered(app, person);
    expect(generation).toMatchObject({ credits_spent: 2, free_action: false, watermarked: false });
    expect(await balance(app, person)).toMatchObject({ credits: 3, reserved: 2 });
    expect(await finish(app, person, generation.id)).toMatchObject({
      status: "succeeded",
      watermarked: false,
      credits_spent: 2,
    });
    expect(await balance(app, person)).toMatchObject({ credits: 3, reserved: 0 });
    expect(await look(app, person, generation.id)).toMatchObject({ status: "succeeded" });
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });
});
