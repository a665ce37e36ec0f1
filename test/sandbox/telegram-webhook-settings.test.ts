import { describe, expect, test } from "bun:test";
import { createTestClock } from "../support/clock.ts";
import { jsonOf, refused, useTelegramLane } from "./telegram-lane.ts";

const clock = createTestClock();
const lane = useTelegramLane(clock);

describe("the webhook's settings", () => {
  const url = "https://app.example.org/hook";
  const set = async (body: object) => (await lane().raw("setWebhook", jsonOf(body))).body;
  const info = async () => (await lane().raw("getWebhookInfo")).body.result;

  test("are checked, kept and shown", async () => {
    expect(await set({ url, secret_token: "s3cret", allowed_updates: ["message"], max_connections: 5 })).toEqual({
      ok: true,
      result: true,
      description: "Webhook was set",
    });
    expect(await info()).toMatchObject({
      url,
      max_connections: 5,
      allowed_updates: ["message"],
    });
    expect(await info()).not.toHaveProperty("last_error_message");
    const same = { url, secret_token: "s3cret", allowed_updates: ["message"], max_connections: 5 };
    expect((await set(same)).description).toBe("Webhook is already set");
    clock.advance(1_000);
    expect((await set({ url: `${url}/2`, secret_token: "s3cret" })).ok).toBe(true);
    // What is left out stays as it was.
    expect(await info()).toMatchObject({ url: `${url}/2`, allowed_updates: ["message"] });
    clock.advance(1_000);
    expect((await lane().raw("deleteWebhook")).body.description).toBe("Webhook was deleted");
    expect(await info()).toMatchObject({ url: "" });
    expect((await lane().raw("deleteWebhook")).body.description).toBe("Webhook is already deleted");
  });

  test.each([
    [{ url: "http://app.example.org/" }, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"],
    [
      { url: "https://app.example.org:3000/" },
      "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
    ],
    [{ url, secret_token: "x".repeat(257) }, "Bad Request: secret token is too long"],
    [{ url, secret_token: "with space" }, "Bad Request: secret token contains unallowed characters"],
    [{ url, allowed_updates: "message" }, "Bad Request: can't parse allowed_updates JSON object"],
  ])("are refused in Telegram's words: %o", async (body, description) => {
    expect(await set(body)).toMatchObject(refused(400, description));
    expect(await info()).toMatchObject({ url: "" });
  });

  test("may be changed once a second", async () => {
    expect((await set({ url })).ok).toBe(true);
    expect(await set({ url: `${url}/2` })).toMatchObject({ error_code: 429, parameters: { retry_after: 1 } });
    expect(await info()).toMatchObject({ url });
  });
});
