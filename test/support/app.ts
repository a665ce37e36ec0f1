import { afterAll, beforeAll } from "bun:test";
import { sql } from "drizzle-orm";
import { type Context, type OpenContext, openContext } from "../../src/context.ts";
import { jobHandlers } from "../../src/jobs.ts";
import type { Environment, EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { newId } from "../../src/platform/ids.ts";
import { createImages, type Images } from "../../src/platform/images/index.ts";
import { claim, complete } from "../../src/platform/queue/claim.ts";
import { giveBack, giveBackFailed, LeaseLost, park } from "../../src/platform/queue/outcome.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { createLog, type Log } from "../../src/platform/telemetry/log.ts";
import { noTelemetry, type Telemetry } from "../../src/platform/telemetry/telemetry.ts";
import { createApp } from "../../src/routes.ts";
import { signInitData } from "../../src/sandbox/init-data.ts";
import { type KieEmulator, startKieEmulator } from "../../src/sandbox/kie.ts";
import { type OpenRouterEmulator, startOpenRouterEmulator } from "../../src/sandbox/openrouter.ts";
import { startTelegramEmulator, type TelegramEmulator } from "../../src/sandbox/telegram.ts";
import { startYooKassaEmulator, type YooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { createTestClock, type TestClock } from "./clock.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { TEST_S3_LIMITS } from "./s3-storage.ts";

export const TEST_BOT_TOKEN = "2000000002:TEST_bot_token_of_the_test_suite";
export const TEST_WEBHOOK_SECRET = "test-secret-of-the-bots-webhook";

export interface TestAppOptions {
  /** Settings beside those that every test has. */
  settings?: Record<string, string>;
  clock?: TestClock;
  /** How long the emulator's tasks take, in real ms. */
  taskMs?: number;
  /** An existing database, for tests that start the product twice on it. */
  database?: TestDatabase;
  /** Who watches; default: nobody. */
  telemetry?: Telemetry;
  /** Leaves closing to the caller; see `useTestApp`. */
  keepOpen?: boolean;
}

/** The product on a database of its own, with a clock that stands still and a kie.ai emulator over real HTTP. */
export interface TestApp {
  ctx: Context;
  open: OpenContext;
  database: TestDatabase;
  clock: TestClock;
  kie: KieEmulator;
  openRouter: OpenRouterEmulator;
  yooKassa: YooKassaEmulator;
  /** Its webhook is set by the test that wants updates, to the port that `listen` gives. */
  telegram: TelegramEmulator;
  /** Every line that was logged. */
  logLines: string[];
  app: ReturnType<typeof createApp>["app"];
  /** The API through its front door; `path` begins behind `/api/v1` unless it is a whole path. */
  request(path: string, options?: RequestOptions): Promise<Response>;
  /** Signs a made-up person in. */
  signIn(person?: {
    telegramId?: number;
    languageCode?: string;
    firstName?: string;
    startParam?: string;
  }): Promise<Person>;
  /** Serves on a real port, for sockets and raw connections. */
  listen(): Promise<number>;
  /** Runs jobs as a worker does, moving the clock to the next due one, until `done` or nothing is left to do. */
  work(done?: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

export interface RequestOptions {
  method?: string;
  as?: Person | undefined;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
}

export interface Person {
  token: string;
  refreshToken: string;
  id: string;
  telegramId: number;
}

let images: Images | undefined;
let people = 5_000_000;

/**
 * Starts the product for all tests of the `describe` or file in whose body this is called, and closes it after them.
 * (`afterAll` inside `beforeAll` runs at once in bun:test, so a shared product needs both hooks side by side.)
 */
export function useTestApp(options: TestAppOptions = {}): () => TestApp {
  let app: TestApp | undefined;
  beforeAll(async () => {
    app = await startTestApp({ ...options, keepOpen: true });
  });
  afterAll(() => app?.close());
  return () => {
    if (!app) throw new Error("the product is started by beforeAll; ask for it inside a test");
    return app;
  };
}

/** Starts the product for the test that calls this; it is closed after that test. For several tests: `useTestApp`. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await createTestDatabase());
  const clock = options.clock ?? createTestClock();
  images ??= createImages({ concurrency: 2 });
  const logLines: string[] = [];
  const log: Log = createLog({ level: "debug", format: "json", write: (line) => logLines.push(line) });
  const kie = await startKieEmulator({ images, clock, taskMs: options.taskMs ?? 20 });
  const openRouter = await startOpenRouterEmulator({ clock, answerMs: 5, deltaMs: 1 });
  const assistant = { OPENROUTER_API_KEY: openRouter.apiKey, OPENROUTER_API_URL: openRouter.apiUrl };
  const yooKassa = await startYooKassaEmulator({ clock });
  const shop = {
    YOOKASSA_SHOP_ID: yooKassa.shopId,
    YOOKASSA_SECRET_KEY: yooKassa.secretKey,
    YOOKASSA_API_URL: yooKassa.url,
  };
  const telegram = await startTelegramEmulator({ clock, botToken: TEST_BOT_TOKEN });
  const bot = {
    TELEGRAM_API_URL: telegram.url,
    TELEGRAM_BOT_NAME: telegram.botName,
    TELEGRAM_APP_NAME: "app",
    TELEGRAM_WEBHOOK_SECRET: TEST_WEBHOOK_SECRET,
  };
  const environment = testEnvironment(database, kie, { ...assistant, ...shop, ...bot, ...options.settings });
  const { settings } = loadSettings(environment, { serving: true });
  const open = await openContext(settings, {
    clock,
    log,
    telemetry: options.telemetry ?? noTelemetry,
    images,
    // The emulator answers within milliseconds; faults that make it wait must not make the tests wait as long.
    assistant: {
      timeouts: { answerMs: 1_500, idleMs: 700, totalMs: 3_000, queryMs: 1_500 },
      sleep: (ms) => Bun.sleep(ms / 20),
    },
    telegram: { timeouts: { callMs: 1_500, fileMs: 3_000 }, sleep: (ms) => Bun.sleep(ms / 20) },
    taxService: { timeouts: { writeMs: 400, queryMs: 400 }, sleep: async () => {} },
    storage: { limits: TEST_S3_LIMITS, sleep: async () => {} },
  });
  const tracing = options.telemetry?.traces
    ? (await import("../../src/platform/http/trace-requests.ts")).traceRequests()
    : undefined;
  const built = createApp(open.ctx, { healthChecks: [], isStopping: () => false, tracing });
  const ctx = open.ctx;
  let isClosed = false;

  const testApp: TestApp = {
    ctx,
    open,
    database,
    clock,
    kie,
    openRouter,
    yooKassa,
    telegram,
    logLines,
    app: built.app,
    request: (path, request = {}) => Promise.resolve(built.app.handle(makeRequest(path, request))),
    async signIn(person = {}) {
      people += 1;
      const telegramId = person.telegramId ?? people;
      const initData = signInitData({
        botToken: TEST_BOT_TOKEN,
        user: {
          id: telegramId,
          first_name: person.firstName ?? "Test",
          language_code: person.languageCode ?? "en",
        },
        authDate: clock.now(),
        ...(person.startParam === undefined ? {} : { startParam: person.startParam }),
      });
      const response = await testApp.request("/auth/telegram", { method: "POST", json: { init_data: initData } });
      const answer = (await response.json()) as { access_token: string; refresh_token: string; user: { id: string } };
      if (response.status !== 200) throw new Error(`sign-in answered ${response.status}: ${JSON.stringify(answer)}`);
      return { token: answer.access_token, refreshToken: answer.refresh_token, id: answer.user.id, telegramId };
    },
    async listen() {
      await ctx.wakeUps.start();
      await ctx.deltas.start();
      built.app.listen({ port: 0, hostname: "127.0.0.1", reusePort: false });
      return built.app.server?.port ?? 0;
    },
    work: (done) => work(ctx, clock, done),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await built.sockets.stop();
      built.hub.stop();
      await built.app.server?.stop(true);
      await open.close();
      await kie.stop();
      await openRouter.stop();
      await yooKassa.stop();
      await telegram.stop();
      if (!options.database) await database.remove();
    },
  };
  if (!options.keepOpen) afterAll(() => testApp.close());
  return testApp;
}

/** What a server needs, pointing at the emulator. */
export function testEnvironment(
  database: TestDatabase,
  kie: KieEmulator,
  more: Record<string, string> = {},
): Environment {
  const values: Record<string, string> = {
    PUBLIC_URL: "http://127.0.0.1:9",
    DATA_DIR: database.dataFolder,
    JWT_SECRET: "test-secret-for-access-tokens-0123456789",
    LINK_SECRET: "test-secret-for-signed-links-0123456789",
    TELEGRAM_BOT_TOKEN: TEST_BOT_TOKEN,
    // Nobody is there: a test that wants to be heard names its emulator.
    TELEGRAM_API_URL: "http://127.0.0.1:9",
    KIE_API_KEY: kie.apiKey,
    KIE_API_URL: kie.url,
    KIE_UPLOAD_URL: kie.uploadUrl,
    KIE_RESULT_HOSTS: kie.resultHost,
    PROVIDER_LOOPBACK: "allow",
    ...(database.url === "" ? {} : { DATABASE_URL: database.url }),
    ...more,
  };
  // As in a real environment, an empty value counts as not set.
  const given = Object.entries(values).filter(([, value]) => value !== "");
  const entries = given.map(([name, value]): [string, EnvironmentValue] => [name, { value, source: "environment" }]);
  return new Map(entries);
}

function makeRequest(path: string, options: RequestOptions): Request {
  // `/` and `/admin` are pages; what lies below is the API's.
  const isWhole = /^\/($|api|health|openapi|docs|sandbox|assets|admin\/?$)/.test(path);
  const headers = new Headers(options.headers);
  if (options.as) headers.set("authorization", `Bearer ${options.as.token}`);
  if (options.json !== undefined) headers.set("content-type", "application/json");
  const body = options.json !== undefined ? JSON.stringify(options.json) : options.body;
  return new Request(`http://localhost${isWhole ? path : `/api/v1${path}`}`, {
    method: options.method ?? "GET",
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

const ROUNDS_MAX = 500;

/** The product's own claim and outcomes, driven step by step so that a test's clock decides what is due. */
async function work(ctx: Context, clock: TestClock, done?: () => Promise<boolean>): Promise<void> {
  const handlers = jobHandlers(ctx);
  const workerId = newId();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    if (done && (await done())) return;
    const taken = await claim(ctx, workerId, [...handlers.keys()], 50);
    if (taken.length === 0) {
      const [next] = await ctx.db
        .select({ at: sql`min(${jobs.runAt})`.mapWith(jobs.runAt) })
        .from(jobs)
        .where(sql`${jobs.state} = 'ready'`);
      if (!next?.at) return;
      clock.set(new Date(Math.max(clock.now().getTime() + 1, next.at.getTime())));
      // The emulator's tasks take real time, however far the clock has jumped.
      await Bun.sleep(5);
      continue;
    }
    for (const job of taken) {
      const handler = handlers.get(job.kind);
      const outcome = (await handler?.run(job).catch((error: unknown) => ({ kind: "failed" as const, error }))) ?? {
        kind: "give_up" as const,
        reason: "no handler",
      };
      if (outcome.kind === "done") await complete(ctx, [job.id], [job.lease]);
      else if (outcome.kind === "later") await giveBack(ctx, job, outcome.afterMs);
      else if (outcome.kind === "give_up") await park(ctx, job, outcome.reason);
      else if (!(outcome.error instanceof LeaseLost)) {
        await giveBackFailed(ctx, job, outcome.error, { triesMax: 8, random: () => 0.5 });
      }
    }
  }
  throw new Error("the queue did not come to rest");
}
