import { describe, expect, test } from "bun:test";
import { createTestClock } from "../support/clock.ts";
import { ANNA, jsonOf, useTelegramLane } from "./telegram-lane.ts";

const lane = useTelegramLane(createTestClock());

describe("what the emulator tells of itself", () => {
  test("neither token nor words, but every call and its end", async () => {
    await lane().raw("sendMessage", jsonOf({ chat_id: ANNA, text: "совсем секретно" }));
    lane().emulator.faults.set("telegram.send", { mode: "http_403_blocked", times: 1 });
    await lane().raw("sendMessage", jsonOf({ chat_id: ANNA, text: "ещё" }));
    const text = await (await fetch(`${lane().emulator.url}/_stats`)).text();
    expect(text).not.toContain("секретно");
    expect(text).not.toContain(lane().emulator.botToken);
    const stats = JSON.parse(text);
    expect(stats.calls.slice(-2)).toMatchObject([
      { method: "sendMessage", chatId: String(ANNA), status: 200, fault: null },
      { method: "sendMessage", status: 403, fault: "http_403_blocked" },
    ]);
    expect(stats.counts["sendMessage 403"]).toBeGreaterThan(0);
    expect(stats.people.started).toBeGreaterThan(0);
  });

  test("people act by HTTP too", async () => {
    const post = async (path: string, body: unknown = {}) => {
      const response = await fetch(lane().emulator.url + path, { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect((await post("/_chat/7100/person", { firstName: "Вера", languageCode: "ru" })).status).toBe(200);
    expect((await post("/_chat/7100/start", { parameter: "ref_1" })).body).toMatchObject({ text: "/start ref_1" });
    expect((await post("/_chat/7100/say", { text: "привет" })).body).toMatchObject({ text: "привет", from: "person" });
    expect((await post("/_chat/7100/block")).body).toMatchObject({ state: "blocked", firstName: "Вера" });
    expect((await post("/_chat/7100/unblock")).body).toMatchObject({ state: "started" });
    const chat = await (await fetch(`${lane().emulator.url}/_chat/7100`)).json();
    expect(chat).toMatchObject({
      person: { state: "started" },
      messages: [{ text: "/start ref_1" }, { text: "привет" }],
    });
    for (const [path, body] of [
      ["/_chat/7100/say", { text: "x", more: 1 }],
      ["/_chat/7100/person", { state: "asleep" }],
      ["/_chat/7100/dance", {}],
      ["/_chat/7100/unblock", {}],
      ["/_settings", { newcomers: "asleep" }],
      ["/_clock", { advance_ms: -1 }],
    ] as const) {
      const { status, body: answer } = await post(path, body);
      expect({ path, status }).toEqual({ path, status: 422 });
      expect(answer.detail).toBeString();
    }
    const before = lane().emulator.stats().now;
    await post("/_clock", { advance_ms: 3_600_000 });
    expect(Date.parse(lane().emulator.stats().now) - Date.parse(before)).toBe(3_600_000);
  });
});
