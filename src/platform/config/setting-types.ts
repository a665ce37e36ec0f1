/** How one setting is read, checked, shown and documented. */
export interface Setting<T> {
  /** One sentence for `atelier settings`, `.env.example` and the settings page of the docs. */
  text: string;
  default: T;
  /** What the docs show when the default is empty. */
  example?: string;
  secret?: boolean;
  /** Turns the text from outside into the value; throws an Error whose message says what is expected. */
  parse(text: string): T;
}

/** Settings of one topic, by their names. */
export type SettingsPart = Readonly<
  Record<string, Setting<never> | Setting<string> | Setting<number> | Setting<string[]>>
>;

type Described<T> = Omit<Setting<T>, "parse">;

function expected(what: string): never {
  throw new Error(`must be ${what}`);
}

/** Any text. */
export const words = (setting: Described<string> & { pattern?: RegExp; expectation?: string }): Setting<string> => ({
  ...setting,
  parse: (text) =>
    setting.pattern && !setting.pattern.test(text) ? expected(setting.expectation ?? `like ${setting.pattern}`) : text,
});

/** A whole number within bounds. */
export const wholeNumber = (setting: Described<number> & { min: number; max: number }): Setting<number> => ({
  ...setting,
  parse: (text) => {
    const value = Number(text);
    const fits = /^\d+$/.test(text) && value >= setting.min && value <= setting.max;
    return fits ? value : expected(`a whole number from ${setting.min} to ${setting.max}`);
  },
});

/** One of a few words. */
export const choice = <const T extends string>(setting: Described<T> & { among: readonly T[] }): Setting<T> => ({
  ...setting,
  parse: (text) => setting.among.find((word) => word === text) ?? expected(`one of ${setting.among.join(", ")}`),
});

/** An http or https address without a trailing slash. */
export const address = (setting: Described<string>): Setting<string> => ({
  ...setting,
  parse: (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || url.username || url.search || url.hash) {
      return expected("an address such as https://example.org, without user, query or fragment");
    }
    return text.replace(/\/+$/, "");
  },
});

/** Texts separated by commas. */
export const list = (setting: Described<string[]> & { each?: RegExp; expectation?: string }): Setting<string[]> => ({
  ...setting,
  parse: (text) => {
    const items = text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    if (setting.each && !items.every((item) => setting.each?.test(item))) {
      return expected(setting.expectation ?? `a comma list, each like ${setting.each}`);
    }
    return items;
  },
});

/** Keys that sign things: at least 32 bytes each, comma separated; the first signs, the others still verify. */
export const signingKeys = (setting: Described<string[]>): Setting<string[]> => ({
  ...setting,
  secret: true,
  parse: (text) => {
    const keys = text.split(",").map((key) => key.trim());
    return keys.every((key) => Buffer.byteLength(key) >= SIGNING_KEY_BYTES_MIN)
      ? keys
      : expected(`at least ${SIGNING_KEY_BYTES_MIN} bytes long each (try: openssl rand -base64 48)`);
  },
});

export const SIGNING_KEY_BYTES_MIN = 32;
