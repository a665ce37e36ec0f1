import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { PHOTO_BY_URL_BYTES_MAX, PHOTO_BYTES_MAX } from "../../src/providers/telegram/wire.ts";
import { createTestClock } from "../support/clock.ts";
import { picture } from "../support/pictures.ts";
import { ANNA, jsonOf, startTelegramLane, type TelegramLane } from "./telegram-lane.ts";

const clock = createTestClock();
let lane: TelegramLane;
beforeAll(async () => {
  lane = await startTelegramLane({ clock });
});
beforeEach(() => {
  lane.emulator.person(ANNA, { state: "started", firstName: "Анна", username: "anna", languageCode: "ru" });
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.setWebhook(undefined);
  clock.advance(60_000);
});
afterAll(() => lane.emulator.stop());

const png = await picture({ width: 1_000, height: 500, format: "png" });
const strip = await picture({ width: 2_100, height: 100 });
const last = () => lane.emulator.messages(ANNA).at(-1);
const form = (fields: Record<string, string | File>): RequestInit => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { method: "POST", body };
};
const refused = (code: number, description: string) => ({ ok: false, error_code: code, description });

describe("the way in", () => {
  test("takes parameters from the query, from JSON, from a form and from a form with files", async () => {
    const fields = { chat_id: String(ANNA), text: "по-русски & 1+1=2", disable_notification: "true" };
    const query = new URLSearchParams(fields).toString();
    const ways: [string, RequestInit][] = [
      [`sendMessage?${query}`, {}],
      ["sendMessage", jsonOf({ ...fields, chat_id: ANNA, disable_notification: true })],
      ["sendMessage", { method: "POST", body: new URLSearchParams(fields) }],
      ["sendMessage", form(fields)],
    ];
    for (const [method, init] of ways) {
      const { status, body } = await lane.raw(method, init);
      expect({ status, ok: body.ok }).toEqual({ status: 200, ok: true });
      expect(last()).toMatchObject({ text: fields.text, isSilent: true, from: "bot" });
    }
  });

  test("does not mind the case of a method, and knows no others", async () => {
    expect((await lane.raw("GETME")).body.result).toMatchObject({ is_bot: true, username: lane.emulator.botName });
    expect((await lane.raw("getme")).status).toBe(200);
    expect(await lane.raw("sendMoney")).toMatchObject({
      status: 404,
      body: refused(404, "Not Found: method not found"),
    });
  });

  test("tells a token of another bot from what is none", async () => {
    const at = async (token: string) => {
      const response = await fetch(`${lane.emulator.url}/bot${token}/getMe`);
      return [response.status, ((await response.json()) as { description: string }).description];
    };
    expect(await at("77:SomebodyElses_0123456789")).toEqual([401, "Unauthorized"]);
    expect(await at("77:x")).toEqual([401, "Unauthorized: invalid token specified"]);
    expect(await at("nothing")).toEqual([404, "Not Found"]);
    const file = await fetch(`${lane.emulator.url}/file/bot77:SomebodyElses_0123456789/photos/x`);
    expect(file.status).toBe(404);
  });

  test("answers a message as Telegram shows it, with the chat, the time and the sender", async () => {
    const { body } = await lane.raw("sendMessage", jsonOf({ chat_id: ANNA, text: "  Готово \n" }));
    expect(body.result).toEqual({
      message_id: last()?.messageId,
      from: { id: 1_000_000_001, is_bot: true, first_name: "atelier", username: lane.emulator.botName },
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
    const before = lane.emulator.messages().length;
    expect(await lane.raw("sendMessage", jsonOf(body))).toMatchObject({ status: 400, body: refused(400, description) });
    expect(lane.emulator.messages().length).toBe(before);
  });

  test("T4 whoever never heard of the bot cannot be written to first, unless newcomers have started it", async () => {
    const message = (chat_id: number) => lane.raw("sendMessage", jsonOf({ chat_id, text: "x" }));
    expect(await message(9_001)).toMatchObject({
      body: refused(403, "Forbidden: bot can't initiate conversation with a user"),
    });
    lane.emulator.setNewcomers("started");
    expect((await message(9_002)).status).toBe(200);
    lane.emulator.setNewcomers("not_found");
    expect(await message(9_003)).toMatchObject({ body: refused(400, "Bad Request: chat not found") });
    lane.emulator.setNewcomers("never_started");
  });
});

describe("files", () => {
  test("a photo comes in several sizes, the smallest first, and its id sends it again and downloads it", async () => {
    const file = new File([png], "dress.png", { type: "image/png" });
    const { body } = await lane.raw("sendPhoto", form({ chat_id: String(ANNA), photo: file, caption: "Вот" }));
    const { photo, caption } = body.result as {
      photo: { file_id: string; width: number; height: number }[];
      caption: string;
    };
    expect(caption).toBe("Вот");
    expect(photo.map(({ width, height }) => [width, height])).toEqual([
      [90, 45],
      [320, 160],
      [800, 400],
      [1_000, 500],
    ]);
    const fileId = photo.at(-1)?.file_id ?? "";
    expect((await lane.raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: fileId }))).status).toBe(200);
    expect(last()?.attachment?.fileId).toBe(fileId);
    expect(await lane.raw("sendDocument", jsonOf({ chat_id: ANNA, document: fileId }))).toMatchObject({
      body: refused(400, "Bad Request: can't use file of type Photo as Document"),
    });
    const found = await lane.raw("getFile", jsonOf({ file_id: fileId }));
    const { file_path, file_size } = found.body.result as { file_path: string; file_size: number };
    expect(file_size).toBe(png.length);
    const download = await fetch(`${lane.emulator.url}/file/bot${lane.emulator.botToken}/${file_path}`);
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(png);
  });

  test("a file may stand in the form under a name of its own", async () => {
    const attached = new File([png], "a.png", { type: "image/png" });
    const fields = { chat_id: String(ANNA), document: "attach://my_file", my_file: attached };
    const { body } = await lane.raw("sendDocument", form(fields));
    expect(body.result).toMatchObject({
      document: { file_name: "a.png", mime_type: "image/png", file_size: png.length },
    });
  });

  test("a photo by address is really fetched, within Telegram's limits", async () => {
    const large = new Uint8Array(PHOTO_BY_URL_BYTES_MAX + 1);
    large.set(png);
    const hits: string[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        const { pathname } = new URL(request.url);
        hits.push(pathname);
        const type = pathname === "/page" ? "text/html" : "image/png";
        if (pathname === "/missing") return new Response("no", { status: 404 });
        return new Response(pathname === "/large.png" ? large : png, { headers: { "content-type": type } });
      },
    });
    const send = (path: string) =>
      lane.raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: `http://127.0.0.1:${server.port}${path}` }));
    expect((await send("/dress.png")).status).toBe(200);
    expect(last()?.attachment).toMatchObject({ name: "dress.png", size: png.length, width: 1_000 });
    expect((await send("/page")).body).toMatchObject(refused(400, "Bad Request: wrong type of the web page content"));
    expect((await send("/missing")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect((await send("/large.png")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect(hits).toEqual(["/dress.png", "/page", "/missing", "/large.png"]);
    await server.stop(true);
    expect((await send("/dress.png")).body).toMatchObject(refused(400, "Bad Request: failed to get HTTP URL content"));
    expect((await lane.raw("sendPhoto", jsonOf({ chat_id: ANNA, photo: "AgACnobody" }))).body).toMatchObject(
      refused(400, "Bad Request: wrong file identifier/HTTP URL specified"),
    );
  });

  test.each([
    ["empty", new Uint8Array(), "Bad Request: file must be non-empty"],
    [
      "too large",
      new Uint8Array(PHOTO_BYTES_MAX + 1),
      "Bad Request: file of size 10485761 bytes is too big for a photo",
    ],
    ["no picture", new Uint8Array([1, 2, 3]), "Bad Request: IMAGE_PROCESS_FAILED"],
    ["a strip", strip, "Bad Request: PHOTO_INVALID_DIMENSIONS"],
  ])("refuses a photo that is %s", async (_, bytes, description) => {
    const photo = new File([bytes as Uint8Array<ArrayBuffer>], "x.png", { type: "image/png" });
    const { body } = await lane.raw("sendPhoto", form({ chat_id: String(ANNA), photo }));
    expect(body.description).toStartWith(description);
  });
});

describe("T5 the pace, once it is switched on", () => {
  const send = (chatId: number) => lane.raw("sendMessage", jsonOf({ chat_id: chatId, text: "x" }));
  beforeEach(() => {
    lane.emulator.setNewcomers("started");
    lane.emulator.faults.set("telegram.limits", { mode: "on" });
  });
  afterEach(() => lane.emulator.setNewcomers("never_started"));

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
    const before = lane.emulator.stats().pace;
    const statuses = await Promise.all(Array.from({ length: 32 }, (_, count) => send(8_100 + count)));
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(30);
    expect(statuses.filter(({ status }) => status === 429)).toHaveLength(2);
    clock.advance(500);
    expect((await send(8_200)).body.parameters).toEqual({ retry_after: 1 });
    clock.advance(500);
    expect((await send(8_200)).status).toBe(200);
    const { pace } = lane.emulator.stats();
    expect(pace.refusedForBot - before.refusedForBot).toBe(3);
    expect(pace.passed - before.passed).toBe(31);
    expect(pace.asksPerSecondMax).toBeGreaterThanOrEqual(32);
  });

  test("is off until then", async () => {
    lane.emulator.faults.clear();
    for (let count = 0; count < 40; count += 1) expect((await send(ANNA)).status).toBe(200);
  });
});

describe("updates by polling", () => {
  const poll = async (body: object = {}) => (await lane.raw("getUpdates", jsonOf(body))).body;
  interface Polled {
    update_id: number;
    [kind: string]: unknown;
  }
  beforeEach(async () => {
    await poll({ offset: -1 });
    const left = (await poll()).result as Polled[];
    await poll({ offset: (left.at(-1)?.update_id ?? 0) + 1, allowed_updates: [] });
  });

  test("a person's acts come in order, each as Telegram shows it", async () => {
    const { emulator } = lane;
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
    lane.emulator.block(ANNA);
    lane.emulator.start(ANNA);
    const kinds = ((await poll()).result as Polled[]).map((update) => Object.keys(update)[1]);
    expect(kinds).toEqual(["my_chat_member", "my_chat_member", "message"]);
    expect(lane.emulator.person(ANNA).state).toBe("started");
  });

  test("nobody does what Telegram would not let them do", () => {
    const { emulator } = lane;
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
    for (const text of ["1", "2", "3"]) lane.emulator.say(ANNA, text);
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
    lane.emulator.say(ANNA, "x");
    lane.emulator.block(ANNA);
    expect(((await poll()).result as Polled[]).map((update) => Object.keys(update)[1])).toEqual(["my_chat_member"]);
  });

  test("a second poll ends the first, and none works beside a webhook", async () => {
    const first = poll({ timeout: 5 });
    await Bun.sleep(20);
    const second = poll({ timeout: 5 });
    expect((await first).description).toStartWith("Conflict: terminated by other getUpdates request");
    lane.emulator.say(ANNA, "x");
    expect((await second).result).toHaveLength(1);
    lane.emulator.setWebhook({ url: "http://127.0.0.1:9/", secretToken: "x" });
    expect(await poll()).toMatchObject({ error_code: 409 });
  });
});

describe("the webhook's settings", () => {
  const url = "https://app.example.org/hook";
  const set = async (body: object) => (await lane.raw("setWebhook", jsonOf(body))).body;
  const info = async () => (await lane.raw("getWebhookInfo")).body.result;

  test("are checked, kept and shown", async () => {
    // What earlier tests left waiting would fail on its way to this webhook.
    await lane.raw("deleteWebhook", jsonOf({ drop_pending_updates: true }));
    await lane.emulator.tried();
    clock.advance(1_000);
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
    expect((await lane.raw("deleteWebhook")).body.description).toBe("Webhook was deleted");
    expect(await info()).toMatchObject({ url: "" });
    expect((await lane.raw("deleteWebhook")).body.description).toBe("Webhook is already deleted");
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

describe("what the emulator tells of itself", () => {
  test("neither token nor words, but every call and its end", async () => {
    await lane.raw("sendMessage", jsonOf({ chat_id: ANNA, text: "совсем секретно" }));
    lane.emulator.faults.set("telegram.send", { mode: "http_403_blocked", times: 1 });
    await lane.raw("sendMessage", jsonOf({ chat_id: ANNA, text: "ещё" }));
    const text = await (await fetch(`${lane.emulator.url}/_stats`)).text();
    expect(text).not.toContain("секретно");
    expect(text).not.toContain(lane.emulator.botToken);
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
      const response = await fetch(lane.emulator.url + path, { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect((await post("/_chat/7100/person", { firstName: "Вера", languageCode: "ru" })).status).toBe(200);
    expect((await post("/_chat/7100/start", { parameter: "ref_1" })).body).toMatchObject({ text: "/start ref_1" });
    expect((await post("/_chat/7100/say", { text: "привет" })).body).toMatchObject({ text: "привет", from: "person" });
    expect((await post("/_chat/7100/block")).body).toMatchObject({ state: "blocked", firstName: "Вера" });
    expect((await post("/_chat/7100/unblock")).body).toMatchObject({ state: "started" });
    const chat = await (await fetch(`${lane.emulator.url}/_chat/7100`)).json();
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
    const before = lane.emulator.stats().now;
    await post("/_clock", { advance_ms: 3_600_000 });
    expect(Date.parse(lane.emulator.stats().now) - Date.parse(before)).toBe(3_600_000);
  });
});
