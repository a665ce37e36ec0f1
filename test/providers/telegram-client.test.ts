import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { OperatorError, ProviderFailure } from "../../src/platform/errors.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { createTelegramClient, type TelegramFailureReason } from "../../src/providers/telegram/client.ts";
import { DOCUMENT_BYTES_MAX, PHOTO_BYTES_MAX } from "../../src/providers/telegram/wire.ts";
import { REFUSALS } from "../../src/sandbox/telegram-faults.ts";
import { ANNA, failureOf, HASTY, startTelegramLane, type TelegramLane } from "../sandbox/telegram-lane.ts";
import { picture } from "../support/pictures.ts";
import { bareServer } from "./bare-server.ts";

const SECRET_TOKEN = "a-secret-of-the-webhook_0123456789";
const APP_URL = "https://app.example.org/";

let lane: TelegramLane;
beforeAll(async () => {
  lane = await startTelegramLane();
});
beforeEach(() => {
  lane.emulator.person(ANNA, { state: "started", firstName: "Анна" });
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.setWebhook(undefined);
  lane.waits.length = 0;
});
afterAll(() => lane.emulator.stop());

const hello = { chatId: ANNA, text: "Картинка готова" };
const sent = () => lane.emulator.messages(ANNA).filter(({ from }) => from === "bot");
const png = await picture({ width: 300, height: 200, format: "png" });
const photo = { bytes: png, fileName: "picture.png", mime: "image/png" };

describe("a message", () => {
  test("arrives as it was written, and its id comes back", async () => {
    const text = `Готово: 2 < 3 & <b>*не разметка*</b> [x](https://example.org) 🎉`;
    const { messageId } = await lane.client.sendMessage({ chatId: ANNA, text });
    expect(sent().at(-1)).toMatchObject({ messageId, text, buttons: [], isSilent: false, attachment: undefined });
  });

  test("may come without a sound, and with a button that opens the app or an address", async () => {
    const button = { text: "Открыть", url: APP_URL, opensApp: true };
    await lane.client.sendMessage({ ...hello, isSilent: true, button });
    expect(sent().at(-1)).toMatchObject({ isSilent: true, buttons: [[button]] });
    const link = { text: "Канал", url: "https://t.me/channel", opensApp: false };
    await lane.client.sendMessage({ ...hello, button: link });
    expect(sent().at(-1)).toMatchObject({ isSilent: false, buttons: [[link]] });
  });

  test("that breaks a limit is refused before anything is sent", async () => {
    const calls = lane.calls("sendMessage");
    const app = { text: "Открыть", url: APP_URL, opensApp: true };
    for (const message of [
      { ...hello, text: "" },
      { ...hello, text: " \n " },
      { ...hello, text: "ж".repeat(4_097) },
      { ...hello, text: "🎉".repeat(2_049) },
      { ...hello, chatId: 0 },
      { ...hello, chatId: 1.5 },
      { ...hello, button: { ...app, text: " " } },
      { ...hello, button: { ...app, url: "http://app.example.org/" } },
      { ...hello, button: { ...app, url: "javascript:alert(1)" } },
    ]) {
      const failure = await failureOf(lane.client.sendMessage(message));
      expect(failure).toMatchObject({ reason: "rejected", kind: "rejected" });
    }
    expect(lane.calls("sendMessage")).toBe(calls);
    await lane.client.sendMessage({ ...hello, text: "ж".repeat(4_096) });
    expect(sent().at(-1)?.text).toBe("ж".repeat(4_096));
  });

  test("has no button on plain http where loopback is not allowed", async () => {
    const strict = createTelegramClient({
      apiUrl: "https://api.telegram.example",
      botToken: lane.emulator.botToken,
      log: silentLog,
      loopbackAllowed: false,
    });
    const button = { text: "Открыть", url: "http://127.0.0.1:3000/", opensApp: true };
    expect(await failureOf(strict.sendMessage({ ...hello, button }))).toMatchObject({ reason: "rejected" });
  });
});

describe("a file", () => {
  test("a photo arrives byte by byte, with its size in pixels and its caption", async () => {
    const button = { text: "Открыть", url: APP_URL, opensApp: true };
    const { messageId } = await lane.client.sendPhoto({ chatId: ANNA, photo, caption: "Вот", button });
    const message = sent().at(-1);
    expect(message).toMatchObject({
      messageId,
      text: "Вот",
      buttons: [[button]],
      attachment: { kind: "photo", name: "picture.png", mime: "image/png", size: png.length, width: 300, height: 200 },
    });
    expect(lane.emulator.file(message?.attachment?.fileId ?? "")?.bytes).toEqual(png);
  });

  test("a document arrives byte by byte, whatever is in it and whatever its name", async () => {
    // With line ends and the look of a form's boundary in it.
    const bytes = new Uint8Array(
      Buffer.concat([randomBytes(200_000), Buffer.from("\r\n--WebKitFormBoundary\r\n\r\n")]),
    );
    for (const [fileName, shown] of [
      ["примерка 17.png", "примерка 17.png"],
      ['a "quoted"; name=x.bin', "a 'quoted'; name=x.bin"],
      ["100%22.bin", "100%22.bin"],
    ] as const) {
      await lane.client.sendDocument({ chatId: ANNA, document: { bytes, fileName, mime: "application/octet-stream" } });
      const { attachment, text } = sent().at(-1) ?? {};
      expect({ text, name: attachment?.name, kind: attachment?.kind }).toEqual({
        text: "",
        name: shown,
        kind: "document",
      });
      expect(Buffer.compare(lane.emulator.file(attachment?.fileId ?? "")?.bytes ?? new Uint8Array(), bytes)).toBe(0);
    }
  });

  test("a view into a larger buffer sends only its own bytes", async () => {
    const large = new Uint8Array(randomBytes(1_000));
    const bytes = large.subarray(100, 200);
    await lane.client.sendDocument({ chatId: ANNA, document: { bytes, fileName: "a.bin", mime: "text/plain" } });
    expect(lane.emulator.file(sent().at(-1)?.attachment?.fileId ?? "")?.bytes).toEqual(new Uint8Array(bytes));
  });

  test("that breaks a limit is refused before anything is sent", async () => {
    const calls = lane.emulator.stats().calls.length;
    const strip = await picture({ width: 2_100, height: 100 });
    const large = await picture({ width: 9_900, height: 500 });
    const padded = new Uint8Array(PHOTO_BYTES_MAX + 1);
    padded.set(png);
    const photos = [
      { ...photo, bytes: new Uint8Array() },
      { ...photo, bytes: padded },
      { ...photo, bytes: strip },
      { ...photo, bytes: large },
      { ...photo, bytes: new TextEncoder().encode("<svg/>") },
      { ...photo, fileName: "" },
      { ...photo, fileName: "a\r\nX-Header: 1" },
    ];
    for (const one of photos) {
      expect(await failureOf(lane.client.sendPhoto({ chatId: ANNA, photo: one }))).toMatchObject({
        reason: "rejected",
      });
    }
    const document = { bytes: new Uint8Array(DOCUMENT_BYTES_MAX + 1), fileName: "a.bin", mime: "text/plain" };
    expect(await failureOf(lane.client.sendDocument({ chatId: ANNA, document }))).toMatchObject({ reason: "rejected" });
    const caption = "ж".repeat(1_025);
    expect(await failureOf(lane.client.sendPhoto({ chatId: ANNA, photo, caption }))).toMatchObject({
      reason: "rejected",
    });
    expect(lane.emulator.stats().calls.length).toBe(calls);
    await lane.client.sendPhoto({ chatId: ANNA, photo, caption: "ж".repeat(1_024) });
    expect(sent().at(-1)?.text).toBe("ж".repeat(1_024));
  });
});

describe("what Telegram refuses", () => {
  const table: readonly [mode: keyof typeof REFUSALS, reason: TelegramFailureReason, kind: string, alert: boolean][] = [
    ["400_chat_not_found", "chat_not_found", "rejected", false],
    ["400_chat_empty", "rejected", "rejected", false],
    ["400_text_empty", "rejected", "rejected", false],
    ["400_text_long", "rejected", "rejected", false],
    ["400_entities", "rejected", "rejected", false],
    ["400_not_modified", "rejected", "rejected", false],
    ["400_file_id", "rejected", "rejected", false],
    ["400_url_content", "rejected", "rejected", false],
    ["400_url_type", "rejected", "rejected", false],
    ["400_migrated", "migrated", "rejected", false],
    ["401", "unauthorized", "unauthorized", true],
    ["401_invalid", "unauthorized", "unauthorized", true],
    ["403_blocked", "blocked", "rejected", false],
    ["403_deactivated", "deactivated", "rejected", false],
    ["403_needs_start", "needs_start", "rejected", false],
    ["404", "unauthorized", "unauthorized", true],
    ["404_method", "rejected", "rejected", true],
    ["409_webhook", "rejected", "rejected", true],
    ["413", "rejected", "rejected", true],
    ["500", "unknown", "unknown", false],
  ];
  test.each(table)("T4 %s is %s, and is not sent again", async (key, reason, kind, alert) => {
    const calls = lane.calls("sendMessage");
    lane.emulator.faults.set("telegram.send", { mode: `http_${key}` });
    const failure = await failureOf(lane.client.sendMessage(hello));
    expect(failure).toMatchObject({ reason, kind, alert, provider: "telegram" });
    expect(failure).toBeInstanceOf(ProviderFailure);
    expect(failure.message).toContain(REFUSALS[key].description.slice(0, 60));
    expect(failure.migrateToChatId).toBe(key === "400_migrated" ? -1_001_234_567_890 : undefined);
    expect(lane.calls("sendMessage")).toBe(calls + 1);
  });

  test("T4 a 403 in words that nobody knows yet also means that nothing more is sent there", async () => {
    const server = await answering(403, {
      ok: false,
      error_code: 403,
      description: "Forbidden: the person moved away",
    });
    const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).sendMessage(hello));
    expect(failure.reason).toBe("blocked");
    server.close();
  });

  test.each([
    ["never_started", "needs_start"],
    ["blocked", "blocked"],
    ["deactivated", "deactivated"],
    ["not_found", "chat_not_found"],
  ] as const)("T4 a person who is %s is %s, for texts and files alike", async (state, reason) => {
    lane.emulator.person(ANNA, { state });
    const before = sent().length;
    const document = { bytes: png, fileName: "a.png", mime: "image/png" };
    for (const call of [
      lane.client.sendMessage(hello),
      lane.client.sendPhoto({ chatId: ANNA, photo }),
      lane.client.sendDocument({ chatId: ANNA, document }),
    ]) {
      expect((await failureOf(call)).reason).toBe(reason);
    }
    expect(sent().length).toBe(before);
  });

  test("a token of another bot is unauthorized", async () => {
    const other = lane.clientWith({ botToken: "42:AnotherBotsToken_0123456789" });
    expect(await failureOf(other.getMe())).toMatchObject({ reason: "unauthorized", alert: true });
  });
});

describe("T5 the pace", () => {
  test("a 429 says how long to wait, in whole seconds", async () => {
    lane.emulator.faults.set("telegram.send", { mode: "http_429", delayMs: 7_000 });
    const calls = lane.calls("sendMessage");
    const failure = await failureOf(lane.client.sendMessage(hello));
    expect(failure).toMatchObject({ reason: "too_many_requests", kind: "rate_limited", retryAfterMs: 7_000 });
    expect(lane.calls("sendMessage")).toBe(calls + 1);
  });

  test("the header alone will do, and neither of them means a few seconds", async () => {
    lane.emulator.faults.set("telegram.send", { mode: "edge_429", delayMs: 4_000 });
    expect(await failureOf(lane.client.sendMessage(hello))).toMatchObject({
      reason: "too_many_requests",
      retryAfterMs: 4_000,
    });
    const server = await answering(429, { ok: false, error_code: 429, description: "Too Many Requests" });
    const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).sendMessage(hello));
    expect(failure).toMatchObject({ reason: "too_many_requests", retryAfterMs: 5_000 });
    server.close();
  });

  test("a time that makes no sense is cut to a day, and never negative", async () => {
    for (const [retry_after, expected] of [
      [1e12, 86_400_000],
      [-5, 5_000],
      [0.2, 1_000],
    ] as const) {
      const body = { ok: false, error_code: 429, description: "Too Many Requests", parameters: { retry_after } };
      const server = await answering(429, body);
      const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).sendMessage(hello));
      expect({ retry_after, ms: failure.retryAfterMs }).toEqual({ retry_after, ms: expected });
      server.close();
    }
  });
});

describe("an answer that is lost", () => {
  test.each(["executed_reset", "executed_hang", "executed_edge_502", "executed_500", "half_body", "unknown_shape"])(
    "%s: the message was sent once, is unknown, and is not sent again",
    async (mode) => {
      lane.emulator.faults.set("telegram.send", { mode });
      const before = sent().length;
      const quick = lane.clientWith({ timeouts: HASTY });
      expect(await failureOf(quick.sendMessage(hello))).toMatchObject({ reason: "unknown", kind: "unknown" });
      const form = { chatId: ANNA, document: { bytes: png, fileName: "a.png", mime: "image/png" } };
      expect(await failureOf(quick.sendDocument(form))).toMatchObject({ reason: "unknown" });
      expect(sent().length).toBe(before + 2);
      expect(lane.waits).toEqual([]);
    },
  );

  test.each(["reset", "hang", "edge_502", "edge_504", "not_json"])(
    "%s: nobody knows, so it is unknown too",
    async (mode) => {
      lane.emulator.faults.set("telegram.send", { mode });
      const quick = lane.clientWith({ timeouts: HASTY });
      expect(await failureOf(quick.sendMessage(hello))).toMatchObject({ reason: "unknown" });
      expect(lane.waits).toEqual([]);
    },
  );

  test("what surely never left is tried three times and is unavailable", async () => {
    const nobody = lane.clientWith({ apiUrl: "http://127.0.0.1:9" });
    expect(await failureOf(nobody.sendMessage(hello))).toMatchObject({ reason: "unavailable", kind: "unavailable" });
    expect(await failureOf(nobody.sendPhoto({ chatId: ANNA, photo }))).toMatchObject({ reason: "unavailable" });
    expect(lane.waits).toHaveLength(4);
  });

  test("a refusal of the edge is unavailable, and the owner hears of it", async () => {
    lane.emulator.faults.set("telegram.send", { mode: "edge_1010" });
    const before = sent().length;
    expect(await failureOf(lane.client.sendMessage(hello))).toMatchObject({ reason: "unavailable", alert: true });
    expect(sent().length).toBe(before);
  });

  test("calls that do no harm twice are tried again", async () => {
    for (const mode of ["reset", "edge_502", "http_500", "not_json", "half_body", "unknown_shape"]) {
      lane.emulator.faults.set("telegram.call", { mode, times: 2 });
      expect((await lane.client.getMe()).username).toBe(lane.emulator.botName);
      lane.emulator.faults.set("telegram.call", { mode, times: 3 });
      expect(await failureOf(lane.client.getMe())).toMatchObject({ reason: "unavailable" });
    }
  });
});

describe("the bot itself", () => {
  test("tells its id and name", async () => {
    expect(await lane.client.getMe()).toEqual({ id: 1_000_000_001, username: lane.emulator.botName });
  });

  test("sets, shows and removes its webhook", async () => {
    expect(await lane.client.getWebhookInfo()).toEqual({ url: "", pendingUpdateCount: 0 });
    const url = "https://app.example.org/api/v1/telegram/webhook";
    await lane.client.setWebhook({ url, secretToken: SECRET_TOKEN, allowedUpdates: ["message"] });
    expect(await lane.client.getWebhookInfo()).toEqual({ url, pendingUpdateCount: 0 });
    await lane.client.setWebhook({ url, secretToken: SECRET_TOKEN, allowedUpdates: ["message"] });
    await lane.emulator.advance(1_000);
    await lane.client.deleteWebhook();
    expect((await lane.client.getWebhookInfo()).url).toBe("");
  });

  test("tells what went wrong with the webhook last", async () => {
    lane.emulator.setWebhook({ url: "http://127.0.0.1:9/webhook", secretToken: SECRET_TOKEN });
    lane.emulator.say(ANNA, "hello");
    await lane.emulator.tried();
    const info = await lane.client.getWebhookInfo();
    expect(info).toMatchObject({ pendingUpdateCount: 1, lastErrorMessage: "Connection refused" });
    expect(Math.abs((info.lastErrorAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    lane.emulator.setWebhook(undefined);
    await lane.client.getUpdates({ timeoutSeconds: 0, offset: Number.MAX_SAFE_INTEGER });
  });

  test("refuses a webhook that Telegram would refuse, before it is asked", async () => {
    const calls = lane.calls("setWebhook");
    const good = { url: "https://app.example.org/x", secretToken: SECRET_TOKEN, allowedUpdates: ["message"] };
    for (const wrong of [
      { url: "http://app.example.org/x" },
      { url: "https://app.example.org:3000/x" },
      { url: "nowhere" },
      { secretToken: "" },
      { secretToken: "with space" },
      { secretToken: "x".repeat(257) },
    ]) {
      expect(await failureOf(lane.client.setWebhook({ ...good, ...wrong }))).toMatchObject({ reason: "rejected" });
    }
    expect(lane.calls("setWebhook")).toBe(calls);
  });

  test("sets the button that opens the app", async () => {
    await lane.client.setMenuButton({ text: "Открыть", url: APP_URL });
    expect(lane.emulator.menuButton(ANNA)).toEqual({ text: "Открыть", url: APP_URL });
    expect(await failureOf(lane.client.setMenuButton({ text: "", url: APP_URL }))).toMatchObject({
      reason: "rejected",
    });
    expect(await failureOf(lane.client.setMenuButton({ text: "x", url: "http://a.example" }))).toMatchObject({
      reason: "rejected",
    });
  });

  test("polls for updates, waiting for the first", async () => {
    const polled = lane.client.getUpdates({ timeoutSeconds: 5 });
    await Bun.sleep(20);
    lane.emulator.start(ANNA, "ref_7F3K");
    const [update] = (await polled) as { update_id: number; message: { text: string } }[];
    expect(update?.message.text).toBe("/start ref_7F3K");
    expect(await lane.client.getUpdates({ timeoutSeconds: 0 })).toHaveLength(1);
    expect(await lane.client.getUpdates({ timeoutSeconds: 0, offset: (update?.update_id ?? 0) + 1 })).toEqual([]);
    for (const poll of [{ timeoutSeconds: 51 }, { timeoutSeconds: -1 }, { timeoutSeconds: 1, limit: 101 }]) {
      expect(await failureOf(lane.client.getUpdates(poll))).toMatchObject({ reason: "rejected" });
    }
  });

  test("refuses settings that cannot work, naming the setting", () => {
    const options = { apiUrl: lane.emulator.url, botToken: lane.emulator.botToken, log: silentLog };
    expect(() => createTelegramClient({ ...options, loopbackAllowed: false })).toThrow(OperatorError);
    for (const botToken of ["", "no-colon", "1:with space", "abc:def", "1:a/../b"]) {
      expect(() => createTelegramClient({ ...options, botToken, loopbackAllowed: true })).toThrow("TELEGRAM_BOT_TOKEN");
    }
  });
});

describe("T2 the bot's token", () => {
  test("stands in no log line, no failure, no stack and no cause, whatever goes wrong", async () => {
    const { botToken } = lane.emulator;
    const secret = botToken.split(":")[1] ?? "";
    const told: string[] = [];
    const modes = ["echo", "reset", "hang", "half_body", "not_json", "edge_502", "edge_1010", "unknown_shape"];
    for (const mode of [...modes, "http_401", "http_404", "http_429", "http_500", "executed_reset"]) {
      lane.emulator.faults.set("telegram.send", { mode });
      told.push(everythingOf(await failureOf(lane.clientWith({ timeouts: HASTY }).sendMessage(hello))));
    }
    lane.emulator.faults.set("telegram.send", { mode: "echo" });
    // What quotes the path is quoted on without the token.
    expect((await failureOf(lane.client.sendMessage(hello))).message).toContain("/bot…/sendMessage");
    told.push(everythingOf(await failureOf(lane.clientWith({ apiUrl: "http://127.0.0.1:9" }).getMe())));
    const redirecting = await bareServer((socket) =>
      socket.end(
        `HTTP/1.1 302 Found\r\nlocation: ${lane.emulator.url}/bot${botToken}/getMe\r\nconnection: close\r\n\r\n`,
      ),
    );
    told.push(everythingOf(await failureOf(lane.clientWith({ apiUrl: redirecting.url }).getMe())));
    redirecting.close();
    expect(lane.lines.length).toBeGreaterThan(modes.length);
    expect(lane.lines.join("\n")).toContain('"path":"/bot…/sendMessage"');
    expect(lane.lines.join("\n")).not.toContain(secret);
    expect(told.join("\n")).not.toContain(secret);
  });
});

/** A server that answers every request with this. */
function answering(status: number, body: unknown) {
  const text = JSON.stringify(body);
  return bareServer((socket) =>
    socket.end(
      `HTTP/1.1 ${status} Whatever\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    ),
  );
}

function everythingOf(error: Error): string {
  const cause = error.cause === undefined ? "" : Bun.inspect(error.cause);
  return [error.message, error.stack, JSON.stringify(error), Bun.inspect(error), cause].join("\n");
}
