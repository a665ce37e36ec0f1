import { migrations } from "../drizzle/migrations.ts";
import { type Clock, systemClock } from "./platform/clock.ts";
import { type Catalogue, loadCatalogue } from "./platform/config/catalogue.ts";
import type { Settings } from "./platform/config/settings.ts";
import type { BulkSession } from "./platform/db/bulk.ts";
import type { Database } from "./platform/db/database.ts";
import { type Migration, migrationsOf } from "./platform/db/migrate.ts";
import { type DatabaseOptions, openDatabase } from "./platform/db/open.ts";
import { openBulk } from "./platform/db/open-bulk.ts";
import { newId } from "./platform/ids.ts";
import { createImages, type Images } from "./platform/images/index.ts";
import { createDeltas, type Deltas } from "./platform/live/deltas.ts";
import { createRemoteSession } from "./platform/remote-session/remote-session.ts";
import { createSeal } from "./platform/seal.ts";
import { openStorage, type StorageTools } from "./platform/storage/open-storage.ts";
import { createLinkSigner, type LinkSigner } from "./platform/storage/signed-links.ts";
import type { Storage } from "./platform/storage/storage.ts";
import { createLog, type Log, writeToStandardError } from "./platform/telemetry/log.ts";
import { noTelemetry, type Telemetry } from "./platform/telemetry/telemetry.ts";
import { watchDatabase } from "./platform/telemetry/watch-database.ts";
import { type Transactional, withDatabase } from "./platform/transactional.ts";
import { createWakeUps, type WakeUps } from "./platform/wake.ts";
import { fetchResult, type ResultFetcher } from "./providers/fetch-result.ts";
import { createKieClient, type KieClient } from "./providers/kie/client.ts";
import type { LknpdClientOptions } from "./providers/lknpd/client.ts";
import { lknpdService } from "./providers/lknpd/tax-service.ts";
import {
  createOpenRouterClient,
  type OpenRouterClient,
  type OpenRouterClientOptions,
} from "./providers/openrouter/client.ts";
import { type GuardedPaymentProvider, withBreaker } from "./providers/payment-breaker.ts";
import type { TaxService } from "./providers/tax-service.ts";
import { createTelegramClient, type TelegramClient, type TelegramClientOptions } from "./providers/telegram/client.ts";
import { watchedCall, watchedCalls } from "./providers/watched-calls.ts";
import { createYooKassaClient } from "./providers/yookassa/client.ts";
import { yooKassaProvider } from "./providers/yookassa/payment-provider.ts";

/** Everything that the product needs from the world, wired once at the start. */
export interface ContextParts {
  readonly settings: Settings;
  readonly clock: Clock;
  /** 0 (included) to 1, for jitter; secrets come from `platform/ids.ts`. */
  readonly random: () => number;
  readonly log: Log;
  /** Metrics, traces and reports of bugs, as far as they are switched on. */
  readonly telemetry: Telemetry;
  readonly catalogue: Catalogue;
  readonly wakeUps: WakeUps;
  readonly storage: Storage;
  readonly images: Images;
  readonly links: LinkSigner;
  readonly kie: KieClient;
  readonly fetchResult: ResultFetcher;
  /** Null where no key is set: then the assistant is switched off, and everything else works. */
  readonly assistant: OpenRouterClient | null;
  /** Null where no shop is set up: then nothing is sold, and everything else works. */
  readonly paymentProvider: GuardedPaymentProvider | null;
  /** Null in an operator's command that was given no bot token. */
  readonly telegram: TelegramClient | null;
  /** Null where no login is set: then sales are registered by hand. */
  readonly taxService: TaxService | null;
  /** Text while it is being written. */
  readonly deltas: Deltas;
  /** Follows a request into its jobs and provider calls. */
  readonly requestId?: string | undefined;
}

/** The parts, bound to the database: outside a transaction, or to one. */
export interface Context extends ContextParts, Transactional<Context> {}

/** A context with the handle that it must be closed with. */
export interface OpenContext {
  ctx: Context;
  database: Database;
  close(): Promise<void>;
}

/** What tests and the sandbox may bring instead of the real thing. */
export interface ContextOverrides {
  clock?: Clock;
  random?: () => number;
  log?: Log;
  /** Given by whoever serves; closed with the context. */
  telemetry?: Telemetry;
  images?: Images;
  /** How long the assistant may take and how its client waits between tries. */
  assistant?: Pick<OpenRouterClientOptions, "timeouts" | "sleep">;
  /** The same of the bot's client. */
  telegram?: Pick<TelegramClientOptions, "timeouts" | "sleep">;
  /** The same for the tax service. */
  taxService?: Pick<LknpdClientOptions, "timeouts" | "sleep">;
  /** The same of a bucket. */
  storage?: StorageTools;
}

/** Image work in hand at once: two keep both cores of a small server busy, and memory bounded. */
const IMAGE_CONCURRENCY = 2;
/** Nobody waits longer for an answer; what is known to take longer says so (`withPatience`). */
const STATEMENT_TIMEOUT_MS = 4_000;
/** The largest result that is fetched; the provider's own limit for pictures is 30 MB. */
const RESULT_BYTES_MAX = 30 * 1024 * 1024;
const RESULT_FETCH_MS_MAX = 60_000;

/** The schema's steps for the database in use. */
export const ownMigrations: readonly Migration[] = migrationsOf(migrations);

/** Opens the database that the settings name; `direct` goes around a pooler where its address is known. */
export function openOwnDatabase(settings: Settings, log?: Log, { direct = false } = {}): Promise<Database> {
  return openDatabase({ ...databaseOptions(settings, direct), ...(log === undefined ? {} : { log }) });
}

/** Opens it for whole tables: a snapshot to read from, or one transaction to fill it with; around a pooler too. */
export function openOwnBulk(settings: Settings, mode: "read" | "write"): Promise<BulkSession> {
  return openBulk(databaseOptions(settings, true), mode);
}

function databaseOptions(settings: Settings, direct: boolean): DatabaseOptions {
  const directUrl = settings.DATABASE_DIRECT_URL;
  const goesAround = direct && directUrl !== "";
  return {
    url: goesAround ? directUrl : settings.DATABASE_URL,
    directUrl,
    pooler: goesAround ? "off" : settings.DATABASE_POOLER,
    caFile: settings.DATABASE_CA_FILE,
    dataFolder: settings.DATA_DIR,
    poolMax: settings.DATABASE_POOL_MAX,
    prepare: settings.DATABASE_PREPARE === "on",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
}

/** The log that the settings ask for, on standard error. */
export function logOf(settings: Pick<Settings, "LOG_LEVEL" | "LOG_FORMAT">): Log {
  const isTerminal = process.stderr.isTTY === true;
  const format = settings.LOG_FORMAT === "auto" ? (isTerminal ? "pretty" : "json") : settings.LOG_FORMAT;
  return createLog({ level: settings.LOG_LEVEL, format, write: writeToStandardError });
}

/** Wires everything from settings. The schema is not touched: `migrate` comes before the first use. */
export async function openContext(settings: Settings, overrides: ContextOverrides = {}): Promise<OpenContext> {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const log = overrides.log ?? logOf(settings);
  const catalogue = await loadCatalogue(settings.CATALOGUE_FILE);
  const telemetry = overrides.telemetry ?? noTelemetry;
  const database = watchDatabase(await openOwnDatabase(settings, log), telemetry.meters);
  const wakeUps = createWakeUps(database, log, newId());
  const loopbackAllowed = settings.PROVIDER_LOOPBACK === "allow";
  const watched = <T extends object>(provider: string, client: T): T => watchedCalls(telemetry, provider, client);
  const parts: ContextParts = {
    settings,
    clock,
    random,
    log,
    telemetry,
    catalogue,
    wakeUps,
    storage: openStorage(settings, overrides.storage),
    images: overrides.images ?? createImages({ concurrency: IMAGE_CONCURRENCY }),
    links: linkSigner(settings, clock),
    kie: watched(
      "kie.ai",
      createKieClient({
        apiUrl: settings.KIE_API_URL,
        uploadUrl: settings.KIE_UPLOAD_URL,
        apiKey: settings.KIE_API_KEY,
        model: settings.KIE_MODEL,
        log,
        loopbackAllowed,
        random,
      }),
    ),
    fetchResult: watchedCall(telemetry, "kie.ai", "fetchResult", (url: string) =>
      fetchResult(url, {
        hosts: settings.KIE_RESULT_HOSTS,
        loopbackAllowed,
        bytesMax: RESULT_BYTES_MAX,
        timeoutMs: RESULT_FETCH_MS_MAX,
      }),
    ),
    assistant:
      settings.OPENROUTER_API_KEY === ""
        ? null
        : watched(
            "openrouter",
            createOpenRouterClient({
              apiUrl: settings.OPENROUTER_API_URL,
              apiKey: settings.OPENROUTER_API_KEY,
              models: settings.OPENROUTER_MODELS,
              log,
              loopbackAllowed,
              random,
              ...overrides.assistant,
              ...(settings.PUBLIC_URL === "" ? {} : { siteUrl: settings.PUBLIC_URL }),
            }),
          ),
    paymentProvider: paymentProviderOf(settings, clock, { log, telemetry, loopbackAllowed, random }),
    telegram: telegramOf(settings, { log, telemetry, loopbackAllowed, random, ...overrides.telegram }),
    taxService: taxServiceOf(settings, database, {
      log,
      telemetry,
      loopbackAllowed,
      random,
      clock,
      ...overrides.taxService,
    }),
    deltas: createDeltas(database, log),
  };
  return {
    ctx: withDatabase(parts, database) as unknown as Context,
    database,
    async close() {
      const closed = wakeUps.stop().then(() => database.close());
      // What waits for a collector needs no database: side by side, so that their times do not add up.
      await Promise.all([closed, telemetry.stop()]);
    },
  };
}

/** The way to be paid that the settings describe, or null. A key that begins with `live_` moves real money. */
function paymentProviderOf(
  settings: Settings,
  clock: Clock,
  { telemetry, ...tools }: { log: Log; telemetry: Telemetry; loopbackAllowed: boolean; random: () => number },
): GuardedPaymentProvider | null {
  if (settings.YOOKASSA_SHOP_ID === "" || settings.YOOKASSA_SECRET_KEY === "") return null;
  const client = createYooKassaClient({
    apiUrl: settings.YOOKASSA_API_URL,
    shopId: settings.YOOKASSA_SHOP_ID,
    secretKey: settings.YOOKASSA_SECRET_KEY,
    ...tools,
  });
  // Inside the breaker: what it does not let through is no call.
  const watched = watchedCalls(telemetry, "yookassa", client);
  return withBreaker(yooKassaProvider(watched, settings.YOOKASSA_SECRET_KEY.startsWith("live_")), { clock });
}

/** The bot of the first token: while a token is changed the others only check sign-in data. */
function telegramOf(
  settings: Settings,
  {
    telemetry,
    ...tools
  }: Pick<TelegramClientOptions, "log" | "loopbackAllowed" | "random" | "timeouts" | "sleep"> & {
    telemetry: Telemetry;
  },
): TelegramClient | null {
  const [botToken] = settings.TELEGRAM_BOT_TOKEN;
  return botToken === undefined
    ? null
    : watchedCalls(
        telemetry,
        "telegram",
        createTelegramClient({ apiUrl: settings.TELEGRAM_API_URL, botToken, ...tools }),
      );
}

/** The unofficial way to register sales, only where its login is set. */
function taxServiceOf(
  settings: Settings,
  { queries }: Database,
  {
    telemetry,
    ...tools
  }: Pick<LknpdClientOptions, "log" | "loopbackAllowed" | "random" | "clock" | "timeouts" | "sleep"> & {
    telemetry: Telemetry;
  },
): TaxService | null {
  const { MY_TAX_INN: inn, MY_TAX_PASSWORD: password, MY_TAX_API_URL: apiUrl } = settings;
  if (inn === "" || password === "") return null;
  const account = `my-tax:${inn}`;
  const seal = createSeal(password, account);
  const store = createRemoteSession({ queries, clock: tools.clock, seal, account });
  const service = lknpdService({ apiUrl, inn, password, store, fingerprint: seal.fingerprint, ...tools });
  return watchedCalls(telemetry, "my_tax", service);
}

/** Operator commands work without the keys of a server; whoever then signs a link learns that one is missing. */
function linkSigner(settings: Settings, clock: Clock): LinkSigner {
  if (settings.LINK_SECRET.length > 0) return createLinkSigner({ secrets: settings.LINK_SECRET, clock });
  const missing = (): never => {
    throw new Error("LINK_SECRET is not set, so links can be neither made nor read");
  };
  return { sign: missing, verify: missing };
}
