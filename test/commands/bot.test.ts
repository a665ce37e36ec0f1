import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { startTelegramEmulator, type TelegramEmulator } from "../../src/sandbox/telegram.ts";
import { runProgram } from "./program.ts";

const SECRET = "the-secret-of-the-webhook-0123456789";

/** For tests that start the program several times. */
const RUNS_MS_MAX = 60_000;

let telegram: TelegramEmulator;
beforeAll(async () => {
  telegram = await startTelegramEmulator();
});
afterAll(() => telegram.stop());
beforeEach(() => telegram.advance(2_000));
afterEach(() => {
  telegram.faults.clear();
  telegram.setWebhook(undefined);
});

/** The settings of these commands, which need no database. */
const settings = (more: Record<string, string> = {}) => ({
  PUBLIC_URL: "http://127.0.0.1:3000",
  TELEGRAM_API_URL: telegram.url,
  TELEGRAM_BOT_TOKEN: telegram.botToken,
  TELEGRAM_WEBHOOK_SECRET: SECRET,
  PROVIDER_LOOPBACK: "allow",
  ...more,
});
const LOCAL_URL = "http://127.0.0.1:3000/api/v1/telegram/webhook";
const bot = (words: string, environment: Record<string, string> = settings()) =>
  runProgram(["bot", ...words.split(" ")], { environment });
const calls = (method: string) => telegram.stats().calls.filter((call) => call.method === method).length;

describe("atelier bot set-webhook", () => {
  test(
    "sets the address, the secret and the updates that the server wants, and says so",
    async () => {
      const { code, out, err } = await bot("set-webhook");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain(`@${telegram.botName}`);
      expect(out).toMatch(/address now +none/);
      expect(out).toContain(LOCAL_URL);
      expect(out).toContain("The webhook is set.");
      expect(out).not.toContain(SECRET);
      expect(out).not.toContain(telegram.botToken);
      const info = await (await fetch(`${telegram.url}/bot${telegram.botToken}/getWebhookInfo`)).json();
      expect(info).toMatchObject({ result: { url: LOCAL_URL, allowed_updates: ["message", "my_chat_member"] } });
      // Twice does no harm, and shows what was there.
      const again = await bot("set-webhook");
      expect({ code: again.code, shown: again.out.split(LOCAL_URL).length - 1 }).toEqual({ code: 0, shown: 2 });
    },
    RUNS_MS_MAX,
  );

  test(
    "changes nothing with --dry-run",
    async () => {
      const before = [calls("setWebhook"), calls("deleteWebhook")];
      for (const words of ["set-webhook --dry-run", "set-webhook --remove --dry-run"]) {
        const { code, out } = await bot(words);
        expect(code).toBe(0);
        expect(out).not.toContain("The webhook is");
      }
      expect([calls("setWebhook"), calls("deleteWebhook")]).toEqual(before);
      expect(telegram.stats().webhook.url).toBe("");
    },
    RUNS_MS_MAX,
  );

  test(
    "--remove takes the address away",
    async () => {
      telegram.setWebhook({ url: "https://old.example.org/hook", secretToken: "old" });
      const { code, out } = await bot(
        "set-webhook --remove",
        settings({ PUBLIC_URL: "", TELEGRAM_WEBHOOK_SECRET: "" }),
      );
      expect(code).toBe(0);
      expect(out).toContain("https://old.example.org/hook");
      expect(out).toContain("The webhook is removed.");
      expect(telegram.stats().webhook.url).toBe("");
    },
    RUNS_MS_MAX,
  );

  test(
    "names all that is missing at once",
    async () => {
      const { code, out, err } = await bot("set-webhook", {});
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain("TELEGRAM_BOT_TOKEN and PUBLIC_URL and TELEGRAM_WEBHOOK_SECRET must be set");
    },
    RUNS_MS_MAX,
  );

  test(
    "says what to do when Telegram refuses, and never shows the token",
    async () => {
      telegram.faults.set("telegram.call", { mode: "http_401" });
      const refused = await bot("set-webhook");
      expect({ code: refused.code, out: refused.out }).toEqual({ code: 2, out: "" });
      expect(refused.err).toContain("Is TELEGRAM_BOT_TOKEN the one that @BotFather shows now?");
      telegram.faults.clear();
      const nobody = await bot("menu-button", settings({ TELEGRAM_API_URL: "http://127.0.0.1:9" }));
      expect(nobody.code).toBe(2);
      expect(nobody.err).toContain("Does this machine reach the Internet");
      for (const { err } of [refused, nobody]) {
        expect(err).not.toContain(telegram.botToken.split(":")[1] ?? "");
        expect(err).not.toContain("    at ");
      }
    },
    RUNS_MS_MAX,
  );

  test(
    "refuses an address that Telegram could not reach before it asks Telegram",
    async () => {
      for (const [publicUrl, words, sentence] of [
        ["http://app.example.org", "set-webhook", "Telegram takes https addresses only"],
        ["https://app.example.org:3000", "set-webhook", "Telegram delivers to 443, 80, 88, 8443 only"],
        ["http://127.0.0.1:3000", "menu-button", "Telegram takes https addresses only"],
      ] as const) {
        // No emulator: whoever asked anybody here would get no answer in time.
        const { code, out, err } = await bot(words, {
          PUBLIC_URL: publicUrl,
          TELEGRAM_BOT_TOKEN: telegram.botToken,
          TELEGRAM_WEBHOOK_SECRET: SECRET,
          TELEGRAM_API_URL: "https://telegram.invalid",
        });
        expect({ words, code, out }).toEqual({ words, code: 2, out: "" });
        expect(err).toContain(sentence);
      }
    },
    RUNS_MS_MAX,
  );
});

describe("atelier bot menu-button", () => {
  test(
    "sets the button that opens the app, with a text of one's own",
    async () => {
      const { code, out, err } = await bot("menu-button");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain("The button is set.");
      expect(telegram.menuButton(1)).toEqual({ text: "Открыть", url: "http://127.0.0.1:3000/" });
      const named = await runProgram(["bot", "menu-button", "--text", "Try on"], { environment: settings() });
      expect(named.code).toBe(0);
      expect(telegram.menuButton(1)?.text).toBe("Try on");
    },
    RUNS_MS_MAX,
  );

  test(
    "changes nothing with --dry-run, and refuses a text that is none or too long",
    async () => {
      const before = calls("setChatMenuButton");
      expect((await bot("menu-button --dry-run")).code).toBe(0);
      for (const text of ["  ", "x".repeat(31)]) {
        const { code, err } = await runProgram(["bot", "menu-button", "--text", text], { environment: settings() });
        expect(code).toBe(2);
        expect(err).toContain("--text must have 1 to 30 characters");
      }
      expect((await bot("menu-button", settings({ PUBLIC_URL: "" }))).err).toContain("PUBLIC_URL must be set");
      expect(calls("setChatMenuButton")).toBe(before);
    },
    RUNS_MS_MAX,
  );
});
