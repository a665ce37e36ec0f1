import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTestClock } from "../support/clock.ts";
import { ANNA, jsonOf, useTelegramLane } from "./telegram-lane.ts";

const clock = createTestClock();
const lane = useTelegramLane(clock);

describe("T5 the pace, once it is switched on", () => {
  const send = (chatId: number) => lane().raw("sendMessage", jsonOf({ chat_id: chatId, text: "x" }));
  beforeEach(() => {
    lane().emulator.setNewcomers("started");
    lane().emulator.faults.set("telegram.limits", { mode: "on" });
  });
  afterEach(() => lane().emulator.setNewcomers("never_started"));

  test("one chat takes a short burst and then one message a second", async () => {
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await send(ANNA)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const { headers, body } = await send(ANNA);
    expect(body).toEqual({
      ok: false,
      error_code: 429,
      description: "Too Many Requests: retry after 1",
      parameters: { retry_after: 1 },
    });
    expect(headers.get("retry-after")).toBe("1");
    clock.advance(1_000);
    expect([(await send(ANNA)).status, (await send(ANNA)).status]).toEqual([200, 429]);
    // Another chat is not held by it.
    expect((await send(8_000)).status).toBe(200);
  });

  test("the bot sends thirty a second in all, and everything of it is held beyond", async () => {
    const before = lane().emulator.stats().pace;
    const statuses = await Promise.all(Array.from({ length: 32 }, (_, count) => send(8_100 + count)));
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(30);
    expect(statuses.filter(({ status }) => status === 429)).toHaveLength(2);
    clock.advance(500);
    expect((await send(8_200)).body.parameters).toEqual({ retry_after: 1 });
    clock.advance(500);
    expect((await send(8_200)).status).toBe(200);
    const { pace } = lane().emulator.stats();
    expect(pace.refusedForBot - before.refusedForBot).toBe(3);
    expect(pace.passed - before.passed).toBe(31);
    expect(pace.asksPerSecondMax).toBeGreaterThanOrEqual(32);
  });

  test("is off until then", async () => {
    lane().emulator.faults.clear();
    for (let count = 0; count < 40; count += 1) expect((await send(ANNA)).status).toBe(200);
  });
});
