import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Api, Bot, GrammyError, HttpError, InlineKeyboard, InputFile } from "grammy";
import { startTelegramEmulator, type TelegramEmulator } from "../../src/sandbox/telegram.ts";
import { picture } from "../support/pictures.ts";
import { until } from "../support/until.ts";
import { ANNA } from "./telegram-lane.ts";

/** A library that we did not write, so that emulator and client cannot be wrong in the same way. */
let emulator: TelegramEmulator;
let api: Api;
beforeAll(async () => {
  emulator = await startTelegramEmulator();
  api = new Api(emulator.botToken, { apiRoot: emulator.url });
});
beforeEach(() => {
  emulator.person(ANNA, { state: "started", firstName: "Анна" });
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.stop());

const png = await picture({ width: 640, height: 480, format: "png" });
const last = () => emulator.messages(ANNA).at(-1);

async function refusalOf(call: Promise<unknown>): Promise<GrammyError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GrammyError)) throw new Error(`expected a GrammyError, got ${String(error)}`);
  return error;
}

describe("grammY is content with the emulator", () => {
  test("it knows itself", async () => {
    expect(await api.getMe()).toMatchObject({ id: 1_000_000_001, is_bot: true, username: emulator.botName });
  });

  test("it sends a message with buttons", async () => {
    const markup = new InlineKeyboard().webApp("Открыть", "https://app.example.org/").url("Канал", "https://t.me/x");
    const message = await api.sendMessage(ANNA, "Готово & <b>", { reply_markup: markup, disable_notification: true });
    expect(message).toMatchObject({ text: "Готово & <b>", chat: { id: ANNA, type: "private", first_name: "Анна" } });
    expect(message.date).toBeGreaterThan(1_700_000_000);
    expect(last()).toMatchObject({
      messageId: message.message_id,
      isSilent: true,
      buttons: [
        [
          { text: "Открыть", url: "https://app.example.org/", opensApp: true },
          { text: "Канал", url: "https://t.me/x", opensApp: false },
        ],
      ],
    });
  });

  test("it sends a photo by upload, by id and by address, and a document", async () => {
    const uploaded = await api.sendPhoto(ANNA, new InputFile(png, "dress.png"), { caption: "Вот" });
    expect(uploaded).toMatchObject({ caption: "Вот" });
    expect(uploaded.photo.map(({ width }) => width)).toEqual([90, 320, 640]);
    expect(emulator.file(last()?.attachment?.fileId ?? "")?.bytes).toEqual(png);
    const again = await api.sendPhoto(ANNA, uploaded.photo.at(-1)?.file_id ?? "");
    expect(again.photo).toEqual(uploaded.photo);
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(png, { headers: { "content-type": "image/png" } }),
    });
    expect((await api.sendPhoto(ANNA, `http://127.0.0.1:${server.port}/a.png`)).photo.length).toBe(3);
    await server.stop(true);
    const document = await api.sendDocument(ANNA, new InputFile(png, "примерка 17.png"), { caption: "x" });
    expect(document.document).toMatchObject({ file_name: "примерка 17.png", file_size: png.length });
    expect(emulator.file(document.document.file_id)?.bytes).toEqual(png);
    const { file_path } = await api.getFile(document.document.file_id);
    const download = await fetch(`${emulator.url}/file/bot${emulator.botToken}/${file_path}`);
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(png);
  });

  test("it understands refusals, and a 429 with its time", async () => {
    emulator.person(ANNA, { state: "blocked" });
    expect(await refusalOf(api.sendMessage(ANNA, "x"))).toMatchObject({
      error_code: 403,
      description: "Forbidden: bot was blocked by the user",
    });
    emulator.person(ANNA, { state: "started" });
    emulator.faults.set("telegram.send", { mode: "http_429", delayMs: 7_000, times: 1 });
    expect(await refusalOf(api.sendMessage(ANNA, "x"))).toMatchObject({
      error_code: 429,
      parameters: { retry_after: 7 },
    });
    emulator.faults.set("telegram.send", { mode: "http_400_migrated", times: 1 });
    expect((await refusalOf(api.sendMessage(ANNA, "x"))).parameters.migrate_to_chat_id).toBeLessThan(0);
    emulator.faults.set("telegram.send", { mode: "edge_502", times: 1 });
    expect(api.sendMessage(ANNA, "x")).rejects.toBeInstanceOf(HttpError);
    const stranger = new Api("77:SomebodyElses_0123456789", { apiRoot: emulator.url });
    expect((await refusalOf(stranger.getMe())).error_code).toBe(401);
  });

  test("it sets the webhook and the menu button", async () => {
    const url = "https://app.example.org/hook";
    expect(await api.setWebhook(url, { secret_token: "abc", allowed_updates: ["message"] })).toBe(true);
    expect(await api.getWebhookInfo()).toMatchObject({ url, allowed_updates: ["message"], pending_update_count: 0 });
    await emulator.advance(1_000);
    expect(await api.deleteWebhook()).toBe(true);
    const menu_button = { type: "web_app" as const, text: "Открыть", web_app: { url: "https://app.example.org/" } };
    expect(await api.setChatMenuButton({ menu_button })).toBe(true);
    expect(emulator.menuButton(ANNA)).toEqual({ text: "Открыть", url: "https://app.example.org/" });
  });

  test("a whole bot of it lives on the emulator: it hears a person by polling and answers", async () => {
    const bot = new Bot(emulator.botToken, { client: { apiRoot: emulator.url } });
    const heard: string[] = [];
    bot.command("start", (context) => context.reply(`Привет, ${context.from?.first_name}! ${context.match}`));
    bot.on("message:text", (context) => void heard.push(context.message.text));
    bot.on("my_chat_member", (context) => void heard.push(context.myChatMember.new_chat_member.status));
    const running = bot.start({ allowed_updates: ["message", "my_chat_member"] });
    const answers = () =>
      emulator.messages(ANNA).filter(({ from, text }) => from === "bot" && text.startsWith("Привет"));
    emulator.start(ANNA, "ref_7F3K");
    await until(() => answers().length === 1, "the bot's answer");
    emulator.say(ANNA, "спасибо");
    emulator.block(ANNA);
    await until(() => heard.length === 2, "both updates");
    expect(heard).toEqual(["спасибо", "kicked"]);
    expect(answers().map(({ text }) => text)).toEqual(["Привет, Анна! ref_7F3K"]);
    await bot.stop();
    await running;
  });
});
