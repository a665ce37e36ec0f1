import { choice, list, type SettingsPart, wholeNumber } from "../setting-types.ts";

/** How a server in operation works and whom it believes. */
export const operationSettings = {
  WORKER_CONCURRENCY: wholeNumber({
    text: "Jobs of one worker process in hand at once.",
    default: 16,
    min: 1,
    max: 500,
  }),
  MAINTENANCE: choice({
    text: "`on` refuses new pictures with a clear answer; everything else works.",
    default: "off",
    among: ["on", "off"],
  }),
  RATE_LIMITS: choice({
    text: "Request limits for each person and address; `off` only for measurements.",
    default: "on",
    among: ["on", "off"],
  }),
  TRUSTED_PROXIES: list({
    text: "Addresses or networks of reverse proxies whose X-Forwarded-For is believed.",
    default: [],
    example: "127.0.0.1/32,::1/128",
    each: /^[0-9a-fA-F:.]+(\/\d{1,3})?$/,
    expectation: "a comma list of addresses or networks such as 10.0.0.0/8",
  }),
} as const satisfies SettingsPart;
