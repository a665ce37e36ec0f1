import { PLACE } from "../storage/place.ts";
import { LOG_LEVELS } from "../telemetry/log.ts";
import { address, choice, list, type Setting, signingKeys, wholeNumber, words } from "./setting-types.ts";

/** What may earn an inviter's reward. */
export const REFERRAL_REWARD_CAUSES = ["signup", "first_generation", "first_payment"] as const;

/**
 * Every setting of the program, in the order in which `atelier settings`, `.env.example` and `docs/settings.md` show
 * them. An empty default means "not set".
 */
export const settingsTable = {
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
  DATA_DIR: words({ text: "The folder of the SQLite file and of stored pictures.", default: "./data" }),
  DATABASE_URL: words({
    text: "Empty for SQLite in DATA_DIR, or a Postgres (15 or later) address; hosts after one another, by commas, survive a failover.",
    default: "",
    example: "postgres://atelier:password@localhost:5432/atelier",
    secret: true,
    pattern: /^postgres(ql)?:\/\//,
    expectation: "empty (SQLite in DATA_DIR) or a postgres:// address",
  }),
  DATABASE_POOL_MAX: wholeNumber({
    text: "Postgres connections of one process at most.",
    default: 20,
    min: 2,
    max: 500,
  }),
  DATABASE_PREPARE: choice({
    text: "`off` behind a pooler that does not carry prepared statements (PgBouncer before 1.21).",
    default: "on",
    among: ["on", "off"],
  }),
  DATABASE_POOLER: choice({
    text: "`transaction` where DATABASE_URL is a pooler in transaction mode (PgBouncer): no session is relied on then.",
    default: "off",
    among: ["off", "transaction"],
  }),
  DATABASE_DIRECT_URL: words({
    text: "Postgres itself, where DATABASE_URL is a pooler: for notices between processes and for migrations.",
    default: "",
    example: "postgres://atelier:password@localhost:5432/atelier",
    secret: true,
    pattern: /^postgres(ql)?:\/\//,
    expectation: "empty or a postgres:// address",
  }),
  DATABASE_CA_FILE: words({
    text: "PEM of the authority that signed Postgres's certificate; then host and certificate must agree.",
    default: "",
    example: "/etc/atelier/postgres-ca.pem",
  }),
  STORAGE_URL: words({
    text: "Empty or `disk` for pictures in DATA_DIR, or a private bucket of any S3 storage, with or without a prefix.",
    default: "",
    example: "s3://your-bucket/atelier",
    pattern: PLACE,
    expectation: "empty or disk (pictures in DATA_DIR), or s3://bucket or s3://bucket/prefix",
  }),
  STORAGE_FALLBACK_URL: words({
    text: "While pictures move: where those lie that are not in STORAGE_URL yet; `disk` or s3://bucket.",
    default: "",
    pattern: PLACE,
    expectation: "empty, disk, s3://bucket or s3://bucket/prefix",
  }),
  S3_ENDPOINT: address({
    text: "The address of the S3 storage; empty for AWS, which then needs S3_REGION.",
    default: "",
    example: "https://storage.yandexcloud.net",
  }),
  S3_REGION: words({
    text: "The bucket's region; storages of one's own mostly take any.",
    default: "",
    example: "ru-central1",
    pattern: /^[a-z0-9-]{1,64}$/,
    expectation: "a region such as eu-central-1",
  }),
  S3_ACCESS_KEY_ID: words({
    text: "The id of the key for the bucket; it has to list the bucket and to get, put and delete its objects.",
    default: "",
    example: "your-key-id",
    secret: true,
    pattern: /^[\x21-\x7e]{1,256}$/,
    expectation: "the id of an access key, without spaces",
  }),
  S3_SECRET_ACCESS_KEY: words({
    text: "The secret of that key.",
    default: "",
    example: "your-secret-key",
    secret: true,
    pattern: /^[\x21-\x7e]{1,1024}$/,
    expectation: "the secret of an access key, without spaces",
  }),
  S3_LINKS: choice({
    text: "Pictures of a bucket reach people `through` this server, or `presigned`: sent on to the bucket for a minute.",
    default: "through",
    among: ["through", "presigned"],
  }),
  JWT_SECRET: signingKeys({
    text: "Signs access tokens: at least 32 bytes; a comma list rotates keys, the first signs.",
    default: [],
    example: "$(openssl rand -base64 48)",
  }),
  LINK_SECRET: signingKeys({
    text: "Signs links to pictures and callback addresses: at least 32 bytes; a comma list rotates keys.",
    default: [],
    example: "$(openssl rand -base64 48)",
  }),
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
  KIE_API_KEY: words({ text: "The key of the kie.ai account.", default: "", example: "your-key", secret: true }),
  KIE_API_URL: address({ text: "kie.ai's API.", default: "https://api.kie.ai" }),
  KIE_UPLOAD_URL: address({ text: "kie.ai's upload host.", default: "https://kieai.redpandaai.co" }),
  KIE_MODEL: words({
    text: "The model that makes the pictures.",
    default: "google/nano-banana-edit",
    pattern: /^(google\/nano-banana-edit|nano-banana-pro|nano-banana-2|nano-banana-2-lite)$/,
    expectation: "google/nano-banana-edit, nano-banana-pro, nano-banana-2 or nano-banana-2-lite",
  }),
  KIE_WEBHOOK_KEY: words({
    text: "The HMAC key of kie.ai's callbacks, if switched on there.",
    default: "",
    example: "your-webhook-key",
    secret: true,
  }),
  KIE_RESULT_HOSTS: list({
    text: "Hosts from which results are fetched; `.example.org` means its subdomains.",
    default: ["tempfile.aiquickdraw.com", "file.aiquickdraw.com"],
    each: /^\.?[a-zA-Z0-9.:[\]-]+$/,
    expectation: "a comma list of host names",
  }),
  KIE_INPUTS: choice({
    text: "How photos reach kie.ai: signed links of ours, its upload API, or auto (links where PUBLIC_URL is public).",
    default: "auto",
    among: ["auto", "links", "upload"],
  }),
  KIE_PICTURE_MILLICREDITS: wholeNumber({
    text: "What one picture costs at kie.ai, in thousandths of its credits.",
    default: 4_000,
    min: 1,
    max: 1_000_000,
  }),
  KIE_THOUSAND_CREDITS_KOPECKS: wholeNumber({
    text: "What a thousand kie.ai credits cost the owner, in kopecks; the panel reckons the cost of pictures with it.",
    default: 45_000,
    min: 0,
    max: 100_000_000,
  }),
  DOLLAR_KOPECKS: wholeNumber({
    text: "What a dollar costs the owner, in kopecks; the panel reckons the cost of the assistant with it.",
    default: 9_000,
    min: 0,
    max: 10_000_000,
  }),
  ASSISTANT_INPUT_CENTS: wholeNumber({
    text: "Cents for a million tokens that the assistant reads, for answers whose cost the provider did not name.",
    default: 100,
    min: 0,
    max: 1_000_000,
  }),
  ASSISTANT_OUTPUT_CENTS: wholeNumber({
    text: "Cents for a million tokens that the assistant writes, for answers whose cost the provider did not name.",
    default: 500,
    min: 0,
    max: 1_000_000,
  }),
  KIE_PICTURES_LEFT_MIN: wholeNumber({
    text: "New work is refused when the kie.ai account pays for fewer pictures than this.",
    default: 5,
    min: 0,
    max: 100_000,
  }),
  OPENROUTER_API_KEY: words({
    text: "The key of the OpenRouter account; without it the assistant is switched off and says so.",
    default: "",
    example: "sk-or-v1-your-key",
    secret: true,
  }),
  OPENROUTER_API_URL: address({ text: "OpenRouter's API.", default: "https://openrouter.ai/api/v1" }),
  OPENROUTER_MODELS: list({
    text: "The assistant's model and those to fall back to, in this order.",
    default: ["anthropic/claude-haiku-4.5"],
    each: /^~?[a-z0-9-]+\/[a-z0-9.:-]+$/,
    expectation: "a comma list of models such as anthropic/claude-haiku-4.5",
  }),
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
  PROVIDER_LOOPBACK: choice({
    text: "`allow` permits providers and results over plain http on loopback, for tests and own emulators.",
    default: "refuse",
    among: ["refuse", "allow"],
  }),
  FREE_ACTIONS_PER_MONTH: wholeNumber({
    text: "Free actions of each person in a calendar month (Moscow time).",
    default: 10,
    min: 0,
    max: 1_000,
  }),
  REFERRAL_REWARD_ON: choice({
    text: "What an invited person has to do before the inviter is rewarded.",
    default: "first_generation",
    among: REFERRAL_REWARD_CAUSES,
  }),
  REFERRAL_REWARD_CREDITS: wholeNumber({
    text: "Credits for an inviter; 0 rewards nobody.",
    default: 10,
    min: 0,
    max: 1_000,
  }),
  REFERRAL_REWARDS_PER_DAY_MAX: wholeNumber({
    text: "Rewards of one inviter in a day (Moscow time); those beyond it are not made up for later.",
    default: 20,
    min: 0,
    max: 10_000,
  }),
  CATALOGUE_FILE: words({
    text: "A JSON file with prices of actions, packs and plans instead of the embedded one.",
    default: "",
  }),
  ACTIVE_GENERATIONS_MAX: wholeNumber({
    text: "Pictures of one person in work at once.",
    default: 5,
    min: 1,
    max: 100,
  }),
  GENERATION_DEADLINE_SECONDS: wholeNumber({
    text: "A picture that is not ready after this time fails and its credits come back.",
    default: 600,
    min: 5,
    max: 3_600,
  }),
  RESULT_DAYS: wholeNumber({ text: "Results are kept for this many days.", default: 90, min: 1, max: 3_650 }),
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
  METRICS_PORT: wholeNumber({
    text: "The port of Prometheus metrics (/metrics) and of this process's health, in every role; 0: none.",
    default: 0,
    min: 0,
    max: 65_535,
  }),
  METRICS_HOST: words({
    text: "The address of that listener; it has no password, so keep it on loopback or a private network.",
    default: "127.0.0.1",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: address({
    text: "Traces go to this OpenTelemetry collector, as OTLP over HTTP with JSON; without it there are none.",
    default: "",
    example: "http://127.0.0.1:4318",
  }),
  OTEL_EXPORTER_OTLP_HEADERS: list({
    text: "Headers that the collector asks for.",
    default: [],
    example: "authorization=Bearer your-key",
    secret: true,
    each: /^[\w-]+=[^,\r\n]+$/,
    expectation: "a comma list of name=value",
  }),
  TRACES_PERCENT: wholeNumber({
    text: "How many of a hundred requests are traced, each with all its jobs.",
    default: 100,
    min: 0,
    max: 100,
  }),
  SENTRY_DSN: words({
    text: "Bugs are reported to this Sentry project, without messages, requests or people; without it nowhere.",
    default: "",
    example: "https://your-key@sentry.example.org/1",
    secret: true,
    pattern: /^https?:\/\/\w+(:\w+)?@[\w.:[\]-]+(\/[\w-]+)*\/\d+$/,
    expectation: "a DSN such as https://key@sentry.example.org/1",
  }),
  SENTRY_ENVIRONMENT: words({
    text: "The environment that reports name.",
    default: "production",
    pattern: /^[\w.-]{1,64}$/,
    expectation: "1 to 64 letters, digits, dots, dashes or underscores",
  }),
  LOG_LEVEL: choice({ text: "How much is logged.", default: "info", among: LOG_LEVELS }),
  LOG_FORMAT: choice({
    text: "One JSON object a line, or readable lines; `auto` is readable at a terminal.",
    default: "auto",
    among: ["auto", "json", "pretty"],
  }),
} as const satisfies Record<string, Setting<never> | Setting<string> | Setting<number> | Setting<string[]>>;

export type SettingName = keyof typeof settingsTable;

type ValueOf<S> = S extends { parse(text: string): infer T } ? T : never;

/** The values of all settings, checked. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settingsTable)[Name]> };

/** What must be set before requests are served; operator commands need only the database. */
export const REQUIRED_TO_SERVE: readonly SettingName[] = [
  "PUBLIC_URL",
  "JWT_SECRET",
  "LINK_SECRET",
  "TELEGRAM_BOT_TOKEN",
  "KIE_API_KEY",
];
