import { address, list, type SettingsPart, wholeNumber, words } from "../setting-types.ts";

/** The bot, who signs in by Telegram, and who is behind the bot. */
export const telegramSettings = {
  TELEGRAM_BOT_TOKEN: list({
    text: "The bot's token from @BotFather; sign-in data is checked with it. A comma list while a token is changed.",
    default: [],
    example: "123456789:replace-with-the-token-of-your-bot",
    secret: true,
    each: /^\d+:[\w-]+$/,
    expectation: "a token such as 123456789:AA...",
  }),
  TELEGRAM_BOT_NAME: words({
    text: "The bot's username without the @; links into Telegram are made of it.",
    default: "",
    example: "your_atelier_bot",
    pattern: /^[A-Za-z][A-Za-z0-9_]{3,31}$/,
    expectation: "a bot's username such as your_atelier_bot, without the @",
  }),
  TELEGRAM_APP_NAME: words({
    text: "The Mini App's short name at @BotFather; links that open the app are made of it.",
    default: "",
    example: "app",
    pattern: /^[A-Za-z0-9_]{3,30}$/,
    expectation: "3 to 30 letters, digits or underscores",
  }),
  TELEGRAM_API_URL: address({ text: "Telegram's Bot API.", default: "https://api.telegram.org" }),
  TELEGRAM_WEBHOOK_SECRET: words({
    text: "Proves that an update of the bot comes from Telegram: 1 to 256 letters, digits, _ or -. Without it there is no webhook.",
    default: "",
    example: "$(openssl rand -hex 32)",
    secret: true,
    pattern: /^[A-Za-z0-9_-]{1,256}$/,
    expectation: "1 to 256 letters, digits, _ or - (try: openssl rand -hex 32)",
  }),
  ADMIN_TELEGRAM_IDS: list({
    text: "Telegram ids of the owner and other operators; the bot sends them what needs them.",
    default: [],
    example: "123456789,987654321",
    each: /^[1-9]\d{0,15}$/,
    expectation: "a comma list of Telegram ids such as 123456789",
  }),
  SUPPORT_CONTACT: words({
    text: "Where people turn with questions about payments; the bot's /paysupport names it.",
    default: "",
    example: "@your_support",
    pattern: /^.{1,200}$/,
    expectation: "a name or address of at most 200 characters on one line",
  }),
  INIT_DATA_AGE_HOURS_MAX: wholeNumber({
    text: "How old Telegram's sign-in data may be, in hours; clients hand out cached data, so keep it long.",
    default: 24,
    min: 1,
    max: 720,
  }),
} as const satisfies SettingsPart;
