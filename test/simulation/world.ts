import { Database as SqliteFile } from "bun:sqlite";
import { type Context, type ContextParts, ownMigrations } from "../../src/context.ts";
import { loadCatalogue } from "../../src/platform/config/catalogue.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import type { Settings } from "../../src/platform/config/settings.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { migrate } from "../../src/platform/db/migrate.ts";
import { openSqlite } from "../../src/platform/db/open.sqlite.ts";
import { createLinkSigner } from "../../src/platform/storage/signed-links.ts";
import type { Log } from "../../src/platform/telemetry/log.ts";
import { noTelemetry } from "../../src/platform/telemetry/telemetry.ts";
import { withDatabase } from "../../src/platform/transactional.ts";
import type { WakeUps } from "../../src/platform/wake.ts";
import { withBreaker } from "../../src/providers/payment-breaker.ts";
import { createTestClock, type TestClock } from "../support/clock.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type Actor, Killed } from "./actor.ts";
import { Faults } from "./faults.ts";
import { createScriptedKie, type ScriptedKie } from "./scripted-kie.ts";
import {
  createScriptedAssistant,
  createScriptedImages,
  createScriptedStorage,
  createScriptedTax,
  createScriptedTelegram,
  type ScriptedStorage,
  type ScriptedTax,
  type ScriptedTelegram,
} from "./scripted-others.ts";
import { createScriptedShop, type ScriptedShop } from "./scripted-shop.ts";

/** What a history is played under. */
export interface Conditions {
  start: string;
  freeActionsPerMonth: number;
  rewardOn: "signup" | "first_generation" | "first_payment";
  autopayments: boolean;
  inputs: "links" | "upload";
  /** What the first person has from the beginning. */
  credits: number;
  /** Whether a second person is there from the beginning, whom the first has brought. */
  isInvited: boolean;
  /** Whether the bot's messages and the tax journal are worked on; each costs time that not every history needs. */
  bot: boolean;
  taxService: boolean;
}

/** Everything of one history. */
export interface World {
  readonly conditions: Conditions;
  readonly database: Database;
  readonly clock: TestClock;
  readonly faults: Faults;
  readonly kie: ScriptedKie;
  readonly shop: ScriptedShop;
  readonly telegram: ScriptedTelegram;
  readonly tax: ScriptedTax;
  readonly storage: ScriptedStorage;
  /** The context of one actor: its calls and commits are points of that actor. */
  contextOf(actor: Actor): Context;
  /** A context that nothing interrupts. */
  readonly ctx: Context;
}

const settingsByConditions = new Map<string, Settings>();

function settingsFor(conditions: Conditions): Settings {
  const values: Record<string, string> = {
    PUBLIC_URL: "https://atelier.example.com",
    JWT_SECRET: "test-secret-for-access-tokens-0123456789",
    LINK_SECRET: "test-secret-for-signed-links-0123456789",
    TELEGRAM_BOT_TOKEN: "2000000002:TEST_bot_token_of_the_test_suite",
    KIE_API_KEY: "scripted",
    KIE_INPUTS: conditions.inputs,
    FREE_ACTIONS_PER_MONTH: String(conditions.freeActionsPerMonth),
    REFERRAL_REWARD_ON: conditions.rewardOn,
    YOOKASSA_AUTOPAYMENTS: conditions.autopayments ? "on" : "off",
    ADMIN_TELEGRAM_IDS: "900001",
  };
  const key = JSON.stringify(values);
  let settings = settingsByConditions.get(key);
  if (settings === undefined) {
    const given = Object.entries(values).map(([name, value]) => [name, { value, source: "environment" }] as const);
    settings = loadSettings(new Map(given), { serving: true }).settings;
    settingsByConditions.set(key, settings);
  }
  // A copy each time: what a process remembers under its settings must not reach the next history.
  return { ...settings };
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };
const catalogue = await loadCatalogue("");

/** Wake-ups reach nobody: the history says when somebody looks. Those within a process do, as its memory hangs on them. */
function createQuietWakeUps(): WakeUps {
  const listeners = new Map<string, Set<(keys: readonly string[] | null) => void>>();
  return {
    wake(topic, key = "") {
      for (const listener of listeners.get(topic) ?? []) listener(key === "" ? [] : [key]);
    },
    subscribe(topic, listener) {
      const others = listeners.get(topic) ?? new Set();
      listeners.set(topic, others.add(listener));
      return () => void others.delete(listener);
    },
    start: async () => {},
    stop: async () => {},
  };
}

const STATEMENTS_KEPT_MAX = 2_000;

/** One migrated database in memory for all histories of a process. */
export async function openMemory(): Promise<Database> {
  const database = await openSqlite(":memory:");
  // Everything of the product passes one handle here, with more statements than a server's hot ones.
  SqliteFile.MAX_QUERY_CACHE_SIZE = STATEMENTS_KEPT_MAX;
  await migrate({ database, clock: { now: () => new Date() }, migrations: ownMigrations });
  await database.raw("pragma foreign_keys = off");
  return database;
}

let tableNames: string[] | undefined;

/** Forgets everything but the schema. */
async function empty(database: Database): Promise<void> {
  tableNames ??= (await database.raw("select name from sqlite_master where type = 'table'"))
    .map(({ name }) => String(name))
    .filter((name) => !/^sqlite_|migration/.test(name));
  await database.raw("pragma foreign_keys = off");
  for (const name of tableNames) await database.raw(`delete from "${name}"`);
  await database.raw("pragma foreign_keys = on");
}

/** A new world on an emptied database. `seed` gives the jitter. */
export async function createWorld(database: Database, conditions: Conditions, seed: number): Promise<World> {
  await empty(database);
  const clock = createTestClock(conditions.start);
  const faults = new Faults();
  const settings = settingsFor(conditions);
  const tools = { clock, faults };
  const kie = createScriptedKie(tools);
  const shop = createScriptedShop(tools);
  const telegram = createScriptedTelegram(tools);
  const tax = createScriptedTax(tools);
  const storage = createScriptedStorage(tools);
  const parts: ContextParts = {
    settings,
    clock,
    random: seededRandom(seed),
    log: silent,
    telemetry: noTelemetry,
    catalogue,
    wakeUps: createQuietWakeUps(),
    storage,
    images: createScriptedImages(),
    links: createLinkSigner({ secrets: settings.LINK_SECRET, clock }),
    kie,
    fetchResult: kie.fetchResult,
    assistant: createScriptedAssistant(tools),
    paymentProvider: withBreaker(shop, { clock }),
    telegram: conditions.bot ? telegram : null,
    taxService: conditions.taxService ? tax : null,
    deltas: { publish() {}, watch: () => () => {}, start: async () => {} },
  };
  return {
    conditions,
    database,
    clock,
    faults,
    kie,
    shop,
    telegram,
    tax,
    storage,
    ctx: withDatabase(parts, database) as unknown as Context,
    contextOf: (actor) => withDatabase(partsOf(parts, actor), databaseOf(database, actor)) as unknown as Context,
  };
}

/** The same parts; each call of a provider or of the storage lies between two points of the actor. */
function partsOf(parts: ContextParts, actor: Actor): ContextParts {
  const { paymentProvider, taxService, telegram, assistant, fetchResult } = parts;
  return {
    ...parts,
    kie: pointed(actor, "kie", parts.kie),
    fetchResult: (url) => actor.around("fetchResult", () => fetchResult(url)),
    storage: pointed(actor, "storage", parts.storage),
    paymentProvider: paymentProvider && pointed(actor, "shop", paymentProvider),
    taxService: taxService && pointed(actor, "tax", taxService),
    telegram: telegram && pointed(actor, "telegram", telegram),
    assistant: assistant && pointed(actor, "assistant", assistant),
  };
}

/** Members that answer at once and call nobody. */
const AT_ONCE = /^(pausedMs|onOutage|fingerprint|receiptUrl|pay|decline|settle|refundInCabinet|stateOf)$/;
const LISTS = /^(list|paymentsSince|refundsSince)$/;

function pointed<T extends object>(actor: Actor, name: string, provider: T): T {
  const members = Object.entries(provider).map(([member, value]) => {
    if (typeof value !== "function" || AT_ONCE.test(member)) return [member, value];
    const call = value as (...given: unknown[]) => unknown;
    if (LISTS.test(member)) {
      const list = call as (...given: unknown[]) => AsyncIterable<unknown>;
      return [
        member,
        async function* (...given: unknown[]) {
          await actor.point(`before ${name}.${member}`);
          yield* list(...given);
        },
      ];
    }
    return [member, (...given: unknown[]) => actor.around(`${name}.${member}`, async () => call(...given))];
  });
  return Object.fromEntries(members) as T;
}

function databaseOf(database: Database, actor: Actor): Database {
  return {
    ...database,
    async transaction(work) {
      await actor.point("before a transaction");
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await database.transaction(async (queries) => {
          const worked = await work(queries);
          await actor.point("before a commit", { inTransaction: true });
          return worked;
        });
      } catch (error) {
        if (error instanceof Killed) return actor.stop();
        throw error;
      }
      await actor.point("after a commit");
      return result;
    },
  };
}
