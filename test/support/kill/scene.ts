import { lte, sql } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { MINUTE_MS } from "../../../src/platform/clock.ts";
import type { Database } from "../../../src/platform/db/database.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { startYooKassaEmulator, type YooKassaEmulator } from "../../../src/sandbox/yookassa.ts";
import type { ShopBooks } from "../../../src/sandbox/yookassa-shop.ts";
import { createTestDatabase, openTestDatabase, type TestDatabase } from "../database.ts";
import { type Deployment, deploy } from "../processes.ts";
import { type RemotePerson, type RequestOptions, signInAt } from "../remote-person.ts";
import { type Books, booksOf } from "./books.ts";
import { type KillableProcesses, killableProcesses, storyClock } from "./killable.ts";

/** Noon in Moscow. */
const STORY_BEGINS = new Date("2026-11-18T09:00:00.000Z");
const TELEGRAM_ID = 77;

/** What there is at the end of a stage, for runs of the next one to begin with. Nobody has the database open. */
export interface Snapshot {
  database: TestDatabase;
  books: ShopBooks;
  at: Date;
}

export interface SceneOptions {
  /** The compiled program with kill points. */
  program: string;
  /** Where it unpacks its native code, once for all. */
  cacheFolder: string;
  /** Default: an empty database, a new shop, the beginning of the story. */
  from?: Snapshot | undefined;
  /** The number of the point at which a process is killed; 0 for none. */
  killAt: number;
}

/**
 * One deployment of the compiled program, its only person, and a YooKassa in the test's own process, all by one clock.
 * Whoever acts here does so from outside, and begins again when the process that they speak with has died.
 */
export interface Scene extends Pick<KillableProcesses, "command" | "points" | "wasKilled"> {
  readonly shop: YooKassaEmulator;
  /** Lets time pass up to a moment, while which nobody serves; the person has to sign in again. */
  serveAt(moment: Date): Promise<void>;
  /** What the API answers to the person with this status. */
  ask<T>(status: number, path: string, options?: RequestOptions): Promise<T>;
  /** Looks again and again until it is so. */
  see<T>(path: string, isSo: (answer: T) => boolean): Promise<T>;
  /** Lets the provider send the notices that it has held, until each was taken. */
  deliverNotices(): Promise<void>;
  /** Waits until no notice is on its way and no job is due. */
  settle(): Promise<void>;
  books(): Promise<Books>;
  /** The end of the time that the person has paid for. */
  paidUntil(): Promise<Date>;
  /** Stops the server in good order. The database stays until `close`. */
  snapshot(): Promise<Snapshot>;
  close(): Promise<void>;
}

/** Opens a scene; no process runs before the first request or `serveAt`. */
export async function openScene(options: SceneOptions): Promise<Scene> {
  const { from, killAt } = options;
  const database = await createTestDatabase(from ? { copyOf: from.database } : {});
  const clock = storyClock(from?.at ?? STORY_BEGINS);
  const shop = await startYooKassaEmulator({ clock, ...(from ? { books: from.books } : {}) });
  // Beside the answer of a call they would make it a matter of chance what happens first.
  shop.faults.set("yookassa.notify", { mode: "hold" });
  const deployment = await deployWith(options, database, shop);
  const processes = killableProcesses(deployment, clock, killAt);
  const { patiently, until } = processes;
  let person: RemotePerson | undefined;
  let look: Database | undefined;
  const tables = async () => {
    look ??= await openTestDatabase(database);
    return look.queries;
  };
  const dueJobs = async () => {
    const isDue = sql`${jobs.state} = 'leased' or (${jobs.state} = 'ready' and ${lte(jobs.runAt, clock.now())})`;
    return (await (await tables()).select({ kind: jobs.kind }).from(jobs).where(isDue)).length;
  };

  const scene: Scene = {
    ...processes,
    shop,
    async serveAt(moment) {
      person = undefined;
      await processes.serveAt(moment);
    },
    ask: (status, path, request) =>
      patiently(async () => {
        person ??= await signInAt(deployment.url, { telegramId: TELEGRAM_ID, authDate: clock.now() });
        return person.answer(status, path, request);
      }),
    see: (path, isSo) => until(() => scene.ask(200, path), isSo, path),
    async deliverNotices() {
      const tried = async () => {
        await shop.notices.release("oldest_first");
        // One that was not taken comes again after some time, which nobody waits for here.
        await shop.advance(shop.notices.waiting() > 0 ? MINUTE_MS : 0);
        await shop.notices.tried();
        // Whoever died while a notice came has to be missed, or nobody is there to take it.
        await fetch(`${deployment.url}/health/live`, { keepalive: false });
        return shop.notices.waiting();
      };
      await until(tried, (waiting) => waiting === 0, "every notice is taken");
    },
    async settle() {
      await scene.deliverNotices();
      await until(dueJobs, (count) => count === 0, "no job is due");
    },
    books: async () => booksOf(await tables(), shop),
    async paidUntil() {
      const [row] = await (await tables()).select({ end: users.subscriptionEnd }).from(users);
      if (!row?.end) throw new Error("nothing is paid for");
      return row.end;
    },
    async snapshot() {
      await processes.stop();
      await look?.close();
      look = undefined;
      return { database, books: shop.books(), at: clock.now() };
    },
    async close() {
      await look?.close();
      await deployment.close();
      await shop.stop();
      processes.remove();
    },
  };
  return scene;
}

async function deployWith(options: SceneOptions, database: TestDatabase, shop: YooKassaEmulator): Promise<Deployment> {
  const deployment = await deploy({
    database,
    program: options.program,
    keepOpen: true,
    isUp: (log) => log.some(({ message }) => message === "scheduler started"),
    settings: {
      YOOKASSA_SHOP_ID: shop.shopId,
      YOOKASSA_SECRET_KEY: shop.secretKey,
      YOOKASSA_API_URL: shop.url,
      YOOKASSA_AUTOPAYMENTS: "on",
      ATELIER_CACHE_DIR: options.cacheFolder,
    },
  });
  shop.setWebhookUrl(`${deployment.url}/api/v1/payments/webhook`);
  return deployment;
}
