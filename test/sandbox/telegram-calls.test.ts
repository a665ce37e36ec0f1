import { describe, expect, test } from "bun:test";
import { createTestClock } from "../support/clock.ts";
import { ANNA, formOf, jsonOf, refused, useTelegramLane } from "./telegram-lane.ts";

const clock = createTestClock();
const lane = useTelegramLane(clock);
const last = () => lane().emulator.messages(ANNA).at(-1);

describe("the way in", () => {
  test("takes parameters from the query, from JSON, from a form and from a form with files", async () => {
    const fields = { chat_id: String(ANNA), text: "по-русски & 1+1=2", disable_notification: "true" };
    const query = new URLSearchParams(fields).toString();
    const ways: [string, RequestInit][] = [
      [`sendMessage?${query}`, {}],
      ["sendMessage", jsonOf({ ...fields, chat_id: ANNA, disable_notification: true })],
      ["sendMessage", { method: "POST", body: new URLSearchParams(fields) }],
      ["sendMessage", formOf(fields)],
    ];
    for (const [method, init] of ways) {
      const { status, body } = await lane().raw(method, init);
      expect({ status, ok: body.ok }).toEqual({ status: 200, ok: true });
      expect(last()).toMatchObject({ text: fields.text, isSilent: true, from: "bot" });
    }
  });

  test("does not mind the case of a method, and knows no others", async () => {
    expect((await lane().raw("GETME")).body.result).toMatchObject({ is_bot: true, username: lane().emulator.botName });
    expect((await lane().raw("getme")).status).toBe(200);
    expect(await lane().raw("sendMoney")).toMatchObject({
      status: 404,
      body: refused(404, "Not Found: method not found"),
    });
  });

  test("tells a token of another bot from what is none", async () => {
    const at = async (token: string) => {
      const response = await fetch(`${lane().emulator.url}/bot${token}/getMe`);
      return [response.status, ((await response.json()) as { description: string }).description];
    };
    expect(await at("77:SomebodyElses_0123456789")).toEqual([401, "Unauthorized"]);
    expect(await at("77:x")).toEqual([401, "Unauthorized: invalid token specified"]);
    expect(await at("nothing")).toEqual([404, "Not Found"]);
    const file = await fetch(`${lane().emulator.url}/file/bot77:SomebodyElses_0123456789/photos/x`);
    expect(file.status).toBe(404);
  });

  test("answers a message as Telegram shows it, with the chat, the time and the sender", async () => {
    const { body } = await lane().raw("sendMessage", jsonOf({ chat_id: ANNA, text: "  Готово \n" }));
    expect(body.result).toEqual({
      message_id: last()?.messageId,
      from: { id: 1_000_000_001, is_bot: true, first_name: "atelier", username: lane().emulator.botName },
      chat: { id: ANNA, first_name: "Анна", username: "anna", type: "private" },
      date: Math.floor(clock.now().getTime() / 1_000),
      text: "Готово",
    });
  });

  test.each([
    [{ text: "x" }, "Bad Request: chat_id is empty"],
    [{ chat_id: "@channel", text: "x" }, "Bad Request: chat not found"],
    [{ chat_id: -100_123, text: "x" }, "Bad Request: chat not found"],
    [{ chat_id: ANNA }, "Bad Request: message text is empty"],
    [{ chat_id: ANNA, text: "   " }, "Bad Request: message text is empty"],
    [{ chat_id: ANNA, text: "ж".repeat(4_097) }, "Bad Request: message is too long"],
    [{ chat_id: ANNA, text: "x", parse_mode: "HTML" }, "Bad Request: unsupported parse_mode"],
    [
      { chat_id: ANNA, text: "x", reply_markup: { inline_keyboard: [[{ text: "x" }]] } },
      "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      {
        chat_id: ANNA,
        text: "x",
        reply_markup: { inline_keyboard: [[{ text: "x", web_app: { url: "http://a.example" } }]] },
      },
      "Bad Request: inline keyboard button Web App URL 'http://a.example' is invalid: Only HTTPS links are allowed",
    ],
    [
      { chat_id: ANNA, text: "x", reply_markup: { inline_keyboard: [[{ text: "x", callback_data: "ж".repeat(33) }]] } },
      "Bad Request: BUTTON_DATA_INVALID",
    ],
    [{ chat_id: ANNA, text: "x", reply_markup: "{" }, "Bad Request: can't parse reply_markup JSON object"],
  ])("refuses a wrong message in Telegram's words: %o", async (body, description) => {
    const before = lane().emulator.messages().length;
    expect(await lane().raw("sendMessage", jsonOf(body))).toMatchObject({
      status: 400,
      body: refused(400, description),
    });
    expect(lane().emulator.messages().length).toBe(before);
  });

  test("T4 whoever never heard of the bot cannot be written to first, unless newcomers have started it", async () => {
    const message = (chat_id: number) => lane().raw("sendMessage", jsonOf({ chat_id, text: "x" }));
    expect(await message(9_001)).toMatchObject({
      body: refused(403, "Forbidden: bot can't initiate conversation with a user"),
    });
    lane().emulator.setNewcomers("started");
    expect((await message(9_002)).status).toBe(200);
    lane().emulator.setNewcomers("not_found");
    expect(await message(9_003)).toMatchObject({ body: refused(400, "Bad Request: chat not found") });
    lane().emulator.setNewcomers("never_started");
  });
});
