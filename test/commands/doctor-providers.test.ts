import { describe, expect, test } from "bun:test";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { after, DAY_MS, HOUR_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { providerStates, rateWindows } from "../../src/platform/limits/tables.ts";
import { EXAMINATIONS_MS_MAX, setDoctorStage } from "../support/doctor-stage.ts";

const { app, examine, settings } = await setDoctorStage();

describe("atelier doctor", () => {
  test("kie.ai: a refused key and an account that pays for too few pictures are failures, few are a warning", async () => {
    const refused = await examine(settings({ KIE_API_KEY: "somebody-elses-key" }));
    expect(refused.code).toBe(1);
    expect(refused.check("kie.ai balance")).toMatchObject({ status: "failed" });
    expect(refused.check("kie.ai balance").text).toEndWith("Is KIE_API_KEY right, and may this address use it?");
    app.kie.setCredits(8);
    expect((await examine()).check("kie.ai balance")).toMatchObject({
      status: "failed",
      text: "8 credits, enough for 2 pictures. New ones are refused below 5: top the account up at kie.ai.",
    });
    app.kie.setCredits(100);
    expect((await examine()).check("kie.ai balance").status).toBe("warning");
  });

  test(
    "the assistant: no key switches it off, a used up key and a retired model are told apart",
    async () => {
      expect((await examine()).check("assistant")).toMatchObject({
        status: "ok",
        text: expect.stringMatching(/^Switched off/),
      });
      const key = { limit: 10, limit_remaining: 7.5, usage: 2.5 };
      const provider = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch(request) {
          if (request.headers.get("authorization") !== "Bearer sk-of-the-test") {
            return Response.json({ error: { code: 401, message: "No auth credentials found" } }, { status: 401 });
          }
          const isKey = new URL(request.url).pathname.endsWith("/key");
          const model = { id: "author/here", supported_parameters: ["structured_outputs"] };
          return Response.json({ data: isKey ? key : [model] });
        },
      });
      const assistant = async (apiKey: string, models: string) => {
        const environment = settings({
          OPENROUTER_API_URL: `http://127.0.0.1:${provider.port}/api/v1`,
          OPENROUTER_API_KEY: apiKey,
          OPENROUTER_MODELS: models,
        });
        return (await examine(environment)).check("assistant");
      };
      expect(await assistant("sk-of-the-test", "author/here")).toMatchObject({
        status: "ok",
        text: "The key works, 7.50 dollars left for the key; 1 of 1 models can be used.",
      });
      expect(await assistant("sk-of-the-test", "author/here,author/gone")).toMatchObject({
        status: "warning",
        lines: [expect.stringContaining("author/gone is not in OpenRouter's list")],
      });
      expect((await assistant("sk-of-the-test", "author/gone")).status).toBe("failed");
      key.limit_remaining = 0;
      expect((await assistant("sk-of-the-test", "author/here")).text).toEndWith("Raise the key's limit at OpenRouter.");
      const refused = await assistant("sk-of-somebody", "author/here");
      await provider.stop(true);
      expect(refused).toMatchObject({ status: "failed" });
      expect(refused.text).toEndWith("Is OPENROUTER_API_KEY right?");
    },
    EXAMINATIONS_MS_MAX,
  );

  test("an open breaker, places taken and alerts of the last day are shown", async () => {
    const now = new Date();
    const openUntil = after(now, HOUR_MS);
    await app.ctx.db.insert(providerStates).values({ provider: "kie", failures: 5, openUntil, updatedAt: now });
    await app.ctx.db.insert(rateWindows).values({ name: "kie.create", recentMs: [now.getTime(), now.getTime()] });
    for (const [reason, createdAt] of [
      ["kie_out_of_funds", now],
      ["long_ago", after(now, -2 * DAY_MS)],
    ] as const) {
      await app.ctx.db
        .insert(ownerAlerts)
        .values({ id: newId(), level: "critical", reason, details: { pictures_left: 0 }, createdAt });
    }
    const { check } = await examine();
    expect(check("kie.ai breaker").text).toStartWith(`Open until ${openUntil.toISOString()} after 5 failures in a row`);
    expect(check("kie.ai pace").text).toStartWith("2 of 20 new tasks taken");
    expect(check("owner alerts").lines).toEqual([
      `${now.toISOString()} critical: kie_out_of_funds {"pictures_left":0}`,
    ]);
  });
});
