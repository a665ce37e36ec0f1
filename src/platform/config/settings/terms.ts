import { address, type SettingsPart, words } from "../setting-types.ts";

/** What people accept before they upload or write. */
export const termsSettings = {
  TERMS_VERSION: words({
    text: "The version of the terms and the privacy text in force; set, nobody uploads or writes before accepting it.",
    default: "",
    example: "2026-11-01",
    pattern: /^[\w.-]{1,64}$/,
    expectation: "1 to 64 letters, digits, dots, dashes or underscores, such as 2026-11-01",
  }),
  TERMS_URL: address({
    text: "Where people read the terms and the privacy text.",
    default: "",
    example: "https://app.example.org/terms",
  }),
} as const satisfies SettingsPart;
