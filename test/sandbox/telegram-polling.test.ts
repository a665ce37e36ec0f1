import { beforeEach, describe, expect, test } from "bun:test";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { createTestClock } from "../support/clock.ts";
import { until } from "../support/until.ts";
import { ANNA, jsonOf, startTelegramLane, useTelegramLane } from "./telegram-lane.ts";

const clock = createTestClock();
const lane = useTelegramLane(clock);

describe("updates by polling", () => {
  const poll = async (body: object = {}) => (await lane().raw("getUpdates", jsonOf(body))).body;
  interface Polled {
    update_id: number;
    [kind: string]: unknown;
  }
  beforeEach(async () => {
    await poll({ offset: -1 });
    const left = (await poll()).result as Polled[];
    await poll({ offset: (left.at(-1)?.update_id ?? 0) + 1, allowed_updates: [] });
  });

  test("an emulator that is started again numbers its updates on, not anew: a bot that kept its books has had those", async () => {
    const firstId = async () => {
      clock.advance(MINUTE_MS);
      const again = await startTelegramLane({ clock });
      again.emulator.start(7_002);
      const [update] = (await again.raw("getUpdates", jsonOf({}))).body.result as Polled[];
      await again.emulator.stop();
      return update?.update_id ?? 0;
    };
    const before = await firstId();
    expect(await firstId()).toBeGreaterThan(before);
  });

  test("a person's acts come in order, each as Telegram shows it", async () => {
    const { emulator } = lane();
    emulator.person(7_001, { firstName: "Boris", languageCode: "en" });
    emulator.start(7_001, "ref_7F3K");
    emulator.say(7_001, "привет");
    emulator.block(7_001);
    emulator.unblock(7_001);
    const updates = (await poll()).result as Polled[];
    const ids = updates.map(({ update_id }) => update_id);
    expect(ids).toEqual(ids.map((_, place) => (ids[0] ?? 0) + place));
    const person = { id: 7_001, is_bot: false, first_name: "Boris", language_code: "en" };
    expect(updates[0]?.message).toEqual({
      message_id: expect.any(Number),
      from: person,
      chat: { id: 7_001, first_name: "Boris", type: "private" },
      date: Math.floor(clock.now().getTime() / 1_000),
      text: "/start ref_7F3K",
      entities: [{ offset: 0, length: 6, type: "bot_command" }],
    });
    expect(updates[1]?.message).toMatchObject({ text: "привет", from: person });
    expect(updates[1]?.message).not.toHaveProperty("entities");
    expect(updates[2]?.my_chat_member).toMatchObject({
      from: person,
      old_chat_member: { status: "member" },
      new_chat_member: { status: "kicked", user: { is_bot: true } },
    });
    expect(updates[3]?.my_chat_member).toMatchObject({ new_chat_member: { status: "member" } });
    expect(updates).toHaveLength(4);
  });

  test("whoever starts a bot that they have blocked unblocks it first", async () => {
    lane().emulator.block(ANNA);
    lane().emulator.start(ANNA);
    const kinds = ((await poll()).result as Polled[]).map((update) => Object.keys(update)[1]);
    expect(kinds).toEqual(["my_chat_member", "my_chat_member", "message"]);
    expect(lane().emulator.person(ANNA).state).toBe("started");
  });

  test("nobody does what Telegram would not let them do", () => {
    const { emulator } = lane();
    emulator.person(7_002);
    expect(() => emulator.say(7_002, "x")).toThrow("never_started");
    expect(() => emulator.block(7_002)).toThrow("never_started");
    expect(() => emulator.unblock(ANNA)).toThrow("there is no block");
    expect(() => emulator.say(ANNA, "  ")).toThrow("1 to 4096");
    expect(() => emulator.start(ANNA, "no spaces")).toThrow("parameter");
    expect(() => emulator.start(-5)).toThrow("above zero");
    emulator.person(7_002, { state: "deactivated" });
    expect(() => emulator.start(7_002)).toThrow("deactivated");
  });

  test("the offset says what has arrived, a limit what is wanted, a day how long anything waits", async () => {
    for (const text of ["1", "2", "3"]) lane().emulator.say(ANNA, text);
    const texts = (answer: { result?: unknown }) =>
      (answer.result as { message: { text: string } }[]).map(({ message }) => message.text);
    const first = await poll({ limit: 2 });
    expect(texts(first)).toEqual(["1", "2"]);
    expect(texts(await poll())).toEqual(["1", "2", "3"]);
    expect(texts(await poll({ offset: ((first.result as Polled[])[0]?.update_id ?? 0) + 1 }))).toEqual(["2", "3"]);
    expect(texts(await poll({ offset: -1 }))).toEqual(["3"]);
    expect(texts(await poll())).toEqual(["3"]);
    clock.advance(25 * 3_600_000);
    expect(texts(await poll())).toEqual([]);
  });

  test("what the bot does not want is never made", async () => {
    await poll({ allowed_updates: ["my_chat_member"] });
    lane().emulator.say(ANNA, "x");
    lane().emulator.block(ANNA);
    expect(((await poll()).result as Polled[]).map((update) => Object.keys(update)[1])).toEqual(["my_chat_member"]);
  });

  test("a second poll ends the first, and none works beside a webhook", async () => {
    const before = lane().calls("getUpdates");
    const first = poll({ timeout: 20 });
    await until(() => lane().calls("getUpdates") > before, "the first poll has come");
    const second = poll({ timeout: 20 });
    expect((await first).description).toStartWith("Conflict: terminated by other getUpdates request");
    lane().emulator.say(ANNA, "x");
    expect((await second).result).toHaveLength(1);
    lane().emulator.setWebhook({ url: "http://127.0.0.1:9/", secretToken: "x" });
    expect(await poll()).toMatchObject({ error_code: 409 });
  });
});
