import { address, choice, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** The shop at YooKassa and the tax service that hears of its sales. */
export const sellingSettings = {
  YOOKASSA_SHOP_ID: words({
    text: "The number of the YooKassa shop; without it and its key nothing is sold.",
    default: "",
    example: "100500",
    pattern: /^\d{1,20}$/,
    expectation: "the number of the shop, such as 100500",
  }),
  YOOKASSA_SECRET_KEY: words({
    text: "The shop's secret key; a key that begins with live_ refuses payments of test shops.",
    default: "",
    example: "live_your-key",
    secret: true,
  }),
  YOOKASSA_API_URL: address({ text: "YooKassa's API.", default: "https://api.yookassa.ru/v3" }),
  YOOKASSA_AUTOPAYMENTS: choice({
    text: "`on` renews subscriptions from stored cards; YooKassa has to allow that for the shop, and often does not.",
    default: "off",
    among: ["on", "off"],
  }),
  YOOKASSA_COMMISSION_BASIS_POINTS: wholeNumber({
    text: "YooKassa's commission in hundredths of a percent, for the forecast until the real one is known.",
    default: 280,
    min: 0,
    max: 5_000,
  }),
  YOOKASSA_MONTH_LIMIT_ROUBLES: wholeNumber({
    text: "What a self-employed seller's shop may take in a month at first; warnings come at 80 and 95 %. 0: no limit.",
    default: 100_000,
    min: 0,
    max: 100_000_000,
  }),
  MY_TAX_INN: words({
    text: "The seller's INN: with its password, sales are registered in «Мой налог» by its unofficial web API.",
    default: "",
    example: "123456789012",
    pattern: /^\d{12}$/,
    expectation: "the 12 digits of a person's INN",
  }),
  MY_TAX_PASSWORD: words({
    text: "The password of the individual's tax cabinet (lkfl2.nalog.ru); whoever has it can see and do much there.",
    default: "",
    example: "your-password",
    secret: true,
  }),
  MY_TAX_API_URL: address({
    text: "The web cabinet of «Мой налог»; it answers Russian addresses only.",
    default: "https://lknpd.nalog.ru/api/v1",
  }),
} as const satisfies SettingsPart;
