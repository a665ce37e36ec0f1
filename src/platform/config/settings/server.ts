import { address, list, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** Where the server listens, and by which addresses it is known. */
export const serverSettings = {
  PORT: wholeNumber({ text: "The port of the API and the pages.", default: 3000, min: 0, max: 65_535 }),
  HOST: words({ text: "The address to listen on.", default: "0.0.0.0" }),
  PUBLIC_URL: address({
    text: "The address under which the outside world reaches this server; links and callbacks are made of it.",
    default: "",
    example: "https://app.example.org",
  }),
  ALLOWED_ORIGINS: list({
    text: "Further web origins whose pages may call the API and open its sockets; that of PUBLIC_URL and Telegram's may always.",
    default: [],
    example: "https://app.example.org,http://localhost:5173",
    each: /^https?:\/\/[a-zA-Z0-9.:[\]-]+$/,
    expectation: "a comma list of origins such as https://app.example.org, without a path",
  }),
} as const satisfies SettingsPart;
