import { describe, expect, test } from "bun:test";
import { FAILURE_CODES, failureText } from "../../../src/features/notifications/failures.ts";
import { counted, messageText, parametersOf } from "../../../src/features/notifications/message-text.ts";
import { MESSAGE_KEYS, messages } from "../../../src/features/notifications/messages.ts";
import { LANGUAGES } from "../../../src/features/profile/index.ts";
import { CAPTION_CHARACTERS_MAX } from "../../../src/providers/telegram/wire.ts";

const NO_BREAK = "\u00a0";
/** A value for every parameter that any text asks for. */
const SAMPLES: Record<string, string | number> = {
  code: "moderated",
  amount_kopecks: 39_950,
  credits: 60,
  plan: "Pro",
  until: "2026-12-31T20:59:59.000Z",
  at: "2026-12-31T21:00:00.000Z",
  days: 30,
  contact: "@support",
  level: "critical",
  reason: "kie_out_of_funds",
  details: "{}",
  suppressed: 2,
  text: "Hello",
};

/** The formats behind the parameters of a text, such as `credits:plural`. */
function formats(text: string): string[] {
  return [...text.matchAll(/\{(\w+)(?::([^{}]+))?\}/g)]
    .map(([, name, format]) => `${name}:${format?.includes("|") ? "plural" : (format ?? "words")}`)
    .toSorted();
}

describe("every text to people", () => {
  for (const key of MESSAGE_KEYS) {
    test(`${key} exists in both languages with the same parameters, used alike`, () => {
      expect(parametersOf(key, "ru")).toEqual(parametersOf(key, "en"));
      expect(formats(messages[key].ru)).toEqual(formats(messages[key].en));
      expect(messages[key].ru).toMatch(/[а-яё]/i);
      expect(messages[key].en).not.toMatch(/[а-яё]/i);
      for (const language of LANGUAGES) {
        const text = messageText(key, language, SAMPLES);
        expect(text.replace("{}", "")).not.toMatch(/[{}|]|undefined|NaN/);
        expect(text.length).toBeLessThanOrEqual(CAPTION_CHARACTERS_MAX);
        expect(text.trim()).toBe(text);
      }
    });

    test(`${key} has three forms of each counted noun in Russian and two in English`, () => {
      for (const [language, forms] of [
        ["ru", 3],
        ["en", 2],
      ] as const) {
        const plurals = [...messages[key][language].matchAll(/:([^{}]*\|[^{}]*)\}/g)].map(([, all = ""]) => all);
        for (const plural of plurals) {
          const given = plural.split("|");
          expect([key, language, plural, given.length]).toEqual([key, language, plural, forms]);
          expect(given.every((form) => form.trim() === form && form !== "")).toBe(true);
        }
      }
    });

    test(`${key} without one of its parameters is an error, never a hole in the text`, () => {
      for (const name of parametersOf(key, "ru")) {
        const { [name]: _left, ...rest } = SAMPLES;
        for (const language of LANGUAGES) expect(() => messageText(key, language, rest)).toThrow(name);
      }
    });
  }

  test("what a person switches off is never about money", () => {
    const money = MESSAGE_KEYS.filter((key) => /^(payment|subscription)/.test(key));
    expect(money.length).toBeGreaterThan(5);
    for (const key of money) expect([key, messages[key].topic]).toEqual([key, "account"]);
  });

  test("every failure code has a sentence in both languages, and an unknown one reads as a fault of ours", () => {
    for (const code of FAILURE_CODES) {
      expect(failureText(code, "ru")).toMatch(/[а-яё]/i);
      expect(failureText(code, "en")).not.toMatch(/[а-яё]/i);
    }
    expect(failureText("of another version", "en")).toBe(failureText("internal_error", "en"));
  });
});

describe("numbers and their nouns", () => {
  const ru = ["кредит", "кредита", "кредитов"];
  const en = ["credit", "credits"];
  const EXPECTED: ReadonlyArray<[number, string, string]> = [
    [0, "0 кредитов", "0 credits"],
    [1, "1 кредит", "1 credit"],
    [2, "2 кредита", "2 credits"],
    [4, "4 кредита", "4 credits"],
    [5, "5 кредитов", "5 credits"],
    [11, "11 кредитов", "11 credits"],
    [14, "14 кредитов", "14 credits"],
    [21, "21 кредит", "21 credits"],
    [22, "22 кредита", "22 credits"],
    [25, "25 кредитов", "25 credits"],
    [100, "100 кредитов", "100 credits"],
    [111, "111 кредитов", "111 credits"],
    [0.5, "0,5 кредита", "0.5 credits"],
    [1.5, "1,5 кредита", "1.5 credits"],
  ];
  for (const [number, russian, english] of EXPECTED) {
    test(`${number}`, () => {
      expect(counted(number, ru, "ru").replaceAll(NO_BREAK, " ")).toBe(russian);
      expect(counted(number, en, "en").replaceAll(NO_BREAK, " ")).toBe(english);
    });
  }

  test("a noun without the form that a number needs is an error", () => {
    expect(() => counted(5, ["кредит", "кредита"], "ru")).toThrow("has no form for 5");
  });
});

describe("amounts and days", () => {
  test("roubles stand without kopecks where there are none", () => {
    const paid = (amount_kopecks: number) =>
      messageText("payment_succeeded", "ru", { amount_kopecks, credits: 1 }).replaceAll(/[\u00a0\u202f]/g, " ");
    expect(paid(14_900)).toStartWith("Оплата прошла: 149 ₽.");
    expect(paid(14_950)).toStartWith("Оплата прошла: 149,50 ₽.");
    expect(paid(119_000)).toStartWith("Оплата прошла: 1 190 ₽.");
  });

  test("a day is Moscow's: three hours before midnight in Greenwich it has begun there", () => {
    const until = (moment: string, language: "ru" | "en") =>
      messageText("subscription_ends", language, { plan: "Pro", until: moment });
    expect(until("2026-12-31T20:59:59.999Z", "ru")).toContain("31 декабря");
    expect(until("2026-12-31T21:00:00.000Z", "ru")).toContain("1 января");
    expect(until("2026-12-31T21:00:00.000Z", "en")).toContain("1 January");
    expect(() => until("soon", "ru")).toThrow("no moment");
  });
});
