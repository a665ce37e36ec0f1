import { type Environment, processEnvironment } from "../../platform/config/environment.ts";
import { isLoopback } from "../../platform/config/load.ts";
import { type SettingName, type Settings, settingsTable } from "../../platform/config/settings.ts";
import { unusedStorageSettings } from "../../platform/config/storage-settings.ts";
import { type DoctorCheck, failed, ok, warning } from "./check.ts";

/** Every value right, and everything there that a server needs. */
export const settingsCheck: DoctorCheck = {
  name: "settings",
  async run({ checked }) {
    const given = Object.values(checked.sources).filter((source) => source !== "default").length;
    const total = Object.keys(checked.sources).length;
    if (checked.faults.length === 0) return ok(`All ${total} are right; ${given} come from outside.`);
    const missing = checked.faults.filter((fault) => fault.missing).length;
    const wrong = checked.faults.length - missing;
    const counts = [
      ...(wrong > 0 ? [`${wrong} wrong`] : []),
      ...(missing > 0 ? [`${missing} missing, without which no server starts`] : []),
    ];
    return failed(
      `${counts.join(" and ")}. Set them in the environment, in .env, or as NAME_FILE.`,
      checked.faults.map((fault) => fault.text),
    );
  },
};

/** Settings that are right one by one and leave something half done. */
export const halfSetCheck: DoctorCheck = {
  name: "half-set features",
  async run({ checked }) {
    const findings = [...halfSet(checked.settings, checked.sources), ...unknownNames(processEnvironment)];
    if (findings.length > 0) return warning("Settings that do not fit together:", findings);
    return ok("None: what is set is set completely.");
  },
};

/** It is the only proof that an update comes from Telegram. */
const WEBHOOK_SECRET_LENGTH_MIN = 16;

type Sources = Readonly<Record<SettingName, string>>;

/** One sentence for each thing that is half done, with what to do. */
export function halfSet(settings: Settings, sources: Sources): string[] {
  const isSet = (name: SettingName) => sources[name] !== "default";
  const host = URL.canParse(settings.PUBLIC_URL) ? new URL(settings.PUBLIC_URL).hostname : null;
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [
      isSet("KIE_API_URL") !== isSet("KIE_UPLOAD_URL"),
      "Only one of KIE_API_URL and KIE_UPLOAD_URL is set: your key would go to two different services. Set both, or neither.",
    ],
    [
      isSet("KIE_API_URL") && !isSet("KIE_RESULT_HOSTS"),
      "KIE_API_URL is your own but KIE_RESULT_HOSTS is not: its results would be refused. Add the hosts that they lie on.",
    ],
    [
      isSet("KIE_WEBHOOK_KEY") && !isSet("KIE_API_KEY"),
      "KIE_WEBHOOK_KEY is set without KIE_API_KEY: no task will ever be made that could call back.",
    ],
    [
      (isSet("OPENROUTER_API_URL") || isSet("OPENROUTER_MODELS")) && !isSet("OPENROUTER_API_KEY"),
      "OPENROUTER_API_URL or OPENROUTER_MODELS is set without OPENROUTER_API_KEY: the assistant stays switched off. Set the key.",
    ],
    [
      isSet("TELEGRAM_WEBHOOK_SECRET") && settings.TELEGRAM_WEBHOOK_SECRET.length < WEBHOOK_SECRET_LENGTH_MIN,
      `TELEGRAM_WEBHOOK_SECRET has fewer than ${WEBHOOK_SECRET_LENGTH_MIN} characters: whoever guesses it speaks for every person. Make one with: openssl rand -hex 32`,
    ],
    [
      isSet("TELEGRAM_APP_NAME") && !isSet("TELEGRAM_BOT_NAME"),
      "TELEGRAM_APP_NAME is set without TELEGRAM_BOT_NAME: no link into the app can be made. Set both.",
    ],
    [
      isSet("YOOKASSA_SHOP_ID") !== isSet("YOOKASSA_SECRET_KEY"),
      "Only one of YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY is set: nothing is sold. Set both, or neither.",
    ],
    [
      settings.YOOKASSA_AUTOPAYMENTS === "on" && !isSet("YOOKASSA_SHOP_ID") && !isSet("YOOKASSA_SECRET_KEY"),
      "YOOKASSA_AUTOPAYMENTS=on without a shop renews nothing. Set YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY, or leave it out.",
    ],
    [
      isSet("MY_TAX_INN") !== isSet("MY_TAX_PASSWORD"),
      "Only one of MY_TAX_INN and MY_TAX_PASSWORD is set: nothing is registered in «Мой налог» by itself. Set both, or neither.",
    ],
    [
      isSet("MY_TAX_API_URL") && !isSet("MY_TAX_INN") && !isSet("MY_TAX_PASSWORD"),
      "MY_TAX_API_URL is set without MY_TAX_INN and MY_TAX_PASSWORD: it is never asked. Set both, or leave it out.",
    ],
    [
      settings.KIE_INPUTS === "links" && host !== null && isLoopback(host),
      "KIE_INPUTS=links with a PUBLIC_URL on loopback: kie.ai cannot fetch the photos. Use auto or upload.",
    ],
    [
      isSet("DATABASE_POOL_MAX") && settings.DATABASE_URL === "",
      "DATABASE_POOL_MAX is set without DATABASE_URL: SQLite has no pool. Set DATABASE_URL, or leave it out.",
    ],
    [
      isSet("DATABASE_PREPARE") && settings.DATABASE_URL === "",
      "DATABASE_PREPARE is set without DATABASE_URL: it is for Postgres. Set DATABASE_URL, or leave it out.",
    ],
    [
      host !== null && !isLoopback(host) && settings.PUBLIC_URL.startsWith("https:") && !isSet("TRUSTED_PROXIES"),
      "PUBLIC_URL is https, so a proxy stands in front of the server, but TRUSTED_PROXIES is not set: everybody seems to come from that proxy, shares its limits, and YooKassa's notices count as foreign. Set it to the proxy's address, such as 127.0.0.1.",
    ],
    [
      isSet("METRICS_HOST") && settings.METRICS_PORT === 0,
      "METRICS_HOST is set without METRICS_PORT: there is no such listener. Set METRICS_PORT, or leave it out.",
    ],
    [
      (isSet("OTEL_EXPORTER_OTLP_HEADERS") || isSet("TRACES_PERCENT")) && settings.OTEL_EXPORTER_OTLP_ENDPOINT === "",
      "OTEL_EXPORTER_OTLP_HEADERS or TRACES_PERCENT is set without OTEL_EXPORTER_OTLP_ENDPOINT: there are no traces. Set it, or leave them out.",
    ],
    [
      isSet("OTEL_EXPORTER_OTLP_HEADERS") && isInTheClear(settings.OTEL_EXPORTER_OTLP_ENDPOINT),
      "OTEL_EXPORTER_OTLP_HEADERS goes to a collector over plain http: a key would travel in the clear. Use https, or a collector on this machine.",
    ],
    [
      isSet("SENTRY_ENVIRONMENT") && settings.SENTRY_DSN === "",
      "SENTRY_ENVIRONMENT is set without SENTRY_DSN: nothing is reported. Set SENTRY_DSN, or leave it out.",
    ],
    [
      isSet("STORAGE_FALLBACK_URL"),
      "STORAGE_FALLBACK_URL is set: pictures that are not in STORAGE_URL yet are read from there. Move them (`atelier storage move`), then leave it out.",
    ],
    [
      settings.RATE_LIMITS === "off",
      "RATE_LIMITS=off is for measurements: anybody may flood the server. Set it to on.",
    ],
    [settings.MAINTENANCE === "on", "MAINTENANCE=on: nobody can order pictures. Set it to off when the work is done."],
    [
      settings.PROVIDER_LOOPBACK === "allow" && !OWN_PROVIDERS.some(isSet),
      "PROVIDER_LOOPBACK=allow without a provider of your own serves no purpose. Leave it out.",
    ],
  ];
  const sentences = rules.filter(([applies]) => applies).map(([, sentence]) => sentence);
  return [...sentences, ...unusedStorageSettings(settings)];
}

function isInTheClear(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url?.protocol === "http:" && !isLoopback(url.hostname);
}

/** Addresses that may be of this very machine. */
const OWN_PROVIDERS = [
  "KIE_API_URL",
  "OPENROUTER_API_URL",
  "TELEGRAM_API_URL",
  "YOOKASSA_API_URL",
  "MY_TAX_API_URL",
] as const;

/** Read by the program, but not settings of a server. */
const OTHER_NAMES = ["ATELIER_CACHE_DIR", "DATABASE_DIALECT"];

/** Lines of `.env` that no setting has: most often a slip of the pen. The environment holds other programs' names too. */
function unknownNames(environment: Environment): string[] {
  const known = [...Object.keys(settingsTable), ...OTHER_NAMES];
  return [...environment]
    .filter(([, { source }]) => source === ".env")
    .map(([name]) => name)
    .filter((name) => !known.includes(name) && !known.includes(name.replace(/_FILE$/, "")))
    .map((name) => `.env has ${name}, which is no setting. \`atelier settings\` lists all of them.`);
}
