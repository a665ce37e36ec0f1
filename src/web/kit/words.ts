import { createStore } from "./store.ts";

export const LANGUAGES = ["ru", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** One sentence, or its forms by number: `other` stands for whatever has no form of its own. */
export type Words = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
/** All words of a page in one language. The tables of both have the same keys, which the compiler checks. */
export type WordTable<Key extends string> = Readonly<Record<Key, Words>>;
export type WordParameters = Readonly<Record<string, string | number>>;

const STORED_AS = "atelier.language";
const LOCALES: Readonly<Record<Language, string>> = { ru: "ru-RU", en: "en-GB" };

export const language = createStore<Language>(firstLanguage());

/** Of numbers and dates. */
export const locale = (): string => LOCALES[language.read()];

/** The chosen language stays for the next visit. */
export function chooseLanguage(chosen: Language): void {
  try {
    localStorage.setItem(STORED_AS, chosen);
  } catch {
    // Storage may be forbidden; then it holds until the page is closed.
  }
  takeLanguage(chosen);
}

/** A language that somebody else has chosen holds until the page is closed; `lang` tells readers of the screen how to pronounce. */
export function takeLanguage(taken: Language): void {
  document.documentElement.lang = taken;
  if (language.read() !== taken) language.write(taken);
}

/**
 * The function that gives the words for a key, with `{name}` replaced. What is put in is text like the rest: nothing in it
 * is ever read as markup.
 */
export function createWords<Key extends string>(tables: Readonly<Record<Language, WordTable<Key>>>) {
  return (key: Key, parameters: WordParameters = {}): string => {
    const chosen = language.read();
    const words = tables[chosen][key];
    const text = typeof words === "string" ? words : formOf(words, chosen, Number(parameters.count ?? 0));
    return text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => {
      const value = parameters[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? value.toLocaleString(locale()) : value;
    });
  };
}

function formOf(forms: Exclude<Words, string>, chosen: Language, count: number): string {
  return forms[new Intl.PluralRules(LOCALES[chosen]).select(count)] ?? forms.other;
}

function firstLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED_AS);
  } catch {
    // See above.
  }
  // Tests read the words where there is no browser and so no language.
  const wanted = stored ?? navigator.language ?? "en";
  return wanted.toLowerCase().startsWith("ru") ? "ru" : "en";
}
