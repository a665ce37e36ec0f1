import type { Language } from "../profile/index.ts";
import { failureText } from "./failures.ts";
import { type MessageKey, messages } from "./messages.ts";

const KOPECKS = 100;
/** A number and its noun, an amount and its sign stay on one line. */
const NO_BREAK_SPACE = "\u00a0";
const PLACEHOLDER = /\{(\w+)(?::([^{}]+))?\}/g;
const LOCALES: Record<Language, string> = { en: "en-GB", ru: "ru-RU" };

type Given = Readonly<Record<string, unknown>>;

/**
 * The text of a message in the person's language. Throws for a parameter that is missing or of the wrong kind: a row that
 * another version wrote must not reach people as "undefined credits".
 */
export function messageText(key: MessageKey, language: Language, parameters: Given): string {
  return messages[key][language].replace(PLACEHOLDER, (_whole, name: string, format: string | undefined) =>
    formatted(parameters[name], format, language, `${key}.${name}`),
  );
}

/** The names of the parameters that a text asks for, sorted. */
export function parametersOf(key: MessageKey, language: Language): string[] {
  return [...new Set([...messages[key][language].matchAll(PLACEHOLDER)].map(([, name = ""]) => name))].sort();
}

function formatted(value: unknown, format: string | undefined, language: Language, what: string): string {
  if (format === undefined) return wordsOf(value, what);
  if (format === "roubles") return roubles(numberOf(value, what), language);
  if (format === "date") return dayOf(value, language, what);
  if (format === "failure") return failureText(wordsOf(value, what), language);
  return counted(numberOf(value, what), format.split("|"), language);
}

function wordsOf(value: unknown, what: string): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new Error(`the message's parameter ${what} is missing`);
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new Error(`the message's parameter ${what} is no number`);
}

/**
 * A number and its noun: `1 credit`, `5 credits`; `1 кредит`, `2 кредита`, `5 кредитов`. A Russian fraction takes the
 * second form (`0,5 кредита`), which the language's own plural rules call "other".
 */
export function counted(value: number, forms: readonly string[], language: Language): string {
  const category = new Intl.PluralRules(LOCALES[language]).select(value);
  const place = language === "en" ? { one: 0, other: 1 } : { one: 0, few: 1, many: 2, other: 1 };
  const form = forms[(place as Partial<Record<Intl.LDMLPluralRule, number>>)[category] ?? 0];
  if (form === undefined) throw new Error(`"${forms.join("|")}" has no form for ${value}`);
  return `${new Intl.NumberFormat(LOCALES[language]).format(value)}${NO_BREAK_SPACE}${form}`;
}

function roubles(amountKopecks: number, language: Language): string {
  const fractionDigits = amountKopecks % KOPECKS === 0 ? 0 : 2;
  const format = new Intl.NumberFormat(LOCALES[language], {
    minimumFractionDigits: fractionDigits,
    maximumFractionDigits: fractionDigits,
  });
  return `${format.format(amountKopecks / KOPECKS)}${NO_BREAK_SPACE}₽`;
}

function dayOf(value: unknown, language: Language, what: string): string {
  const moment = new Date(wordsOf(value, what));
  if (Number.isNaN(moment.getTime())) throw new Error(`the message's parameter ${what} is no moment`);
  const format = new Intl.DateTimeFormat(LOCALES[language], {
    timeZone: "Europe/Moscow",
    day: "numeric",
    month: "long",
  });
  return format.format(moment);
}
