import type { Context } from "../src/context.ts";
import { openSession } from "../src/features/auth/sessions.ts";
import { findOrCreateUser } from "../src/features/profile/index.ts";
import { publish } from "../src/platform/live/events.ts";
import { liveEvents, liveSequences } from "../src/platform/live/tables.ts";
import { issueTicket } from "../src/platform/live/tickets.ts";
import { startApi } from "../src/roles/api.ts";
import { freePort } from "./free-port.ts";
import { openProduct } from "./product.ts";
import { nowMs, type SocketReaders } from "./socket-readers.ts";

/** The product in this process, with people whose sockets another process reads. */
export interface LiveProduct {
  ctx: Context;
  people: readonly string[];
  /** One more event for each person, in one transaction; answers when it was committed. */
  publishToAll(): Promise<number>;
  /** `each` events for each person, written at once and without handing them over; answers when they were committed. */
  storeForAll(each: number): Promise<number>;
  /** One more person, whose socket `reader` opens; answers their id. */
  join(reader: SocketReaders): Promise<string>;
  /** Sockets that the server counts as open. */
  openSockets(): number;
  stop(): Promise<void>;
}

/** What a client hears most of. */
export const PROGRESS = { id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", status: "running", progress: 40 };
const ROWS_TOGETHER = 2_000;

export async function openLiveProduct(count: number, readers: SocketReaders): Promise<LiveProduct> {
  const port = await freePort();
  const secret = "a-secret-of-the-bench-which-is-32-bytes-long";
  const keys = { JWT_SECRET: secret, LINK_SECRET: secret, RATE_LIMITS: "off" };
  const product = await openProduct("", { ...keys, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
  const { ctx } = product;
  const api = await startApi(product);
  let met = 0;
  const meet = async () => {
    met += 1;
    return (await findOrCreateUser(ctx, { telegramId: met, firstName: "Anna" })).user.id;
  };
  const pathOf = async (userId: string) => {
    const { sessionId } = await openSession(ctx, userId);
    return `/api/v1/live?ticket=${await issueTicket(ctx, { userId, sessionId })}`;
  };
  const people: string[] = [];
  for (let place = 0; place < count; place += 1) people.push(await meet());
  // A ticket is good for half a minute.
  for (let first = 0; first < count; first += 100) {
    const paths: string[] = [];
    for (const userId of people.slice(first, first + 100)) paths.push(await pathOf(userId));
    await readers.open(port, paths, true);
  }
  let last = 0;
  return {
    ctx,
    people,
    async publishToAll() {
      let committedMs = 0;
      last += 1;
      await ctx.transaction(async (tx) => {
        tx.afterCommit(() => {
          committedMs = nowMs();
        });
        for (const userId of people) await publish(tx, userId, "generation.progress", PROGRESS);
      });
      return committedMs;
    },
    async storeForAll(each) {
      const at = ctx.clock.now();
      const rows = people.flatMap((userId) =>
        Array.from({ length: each }, (_, place) => ({
          ...{ userId, number: last + 1 + place, type: "generation.progress", data: PROGRESS, at },
        })),
      );
      last += each;
      let committedMs = 0;
      await ctx.transaction(async (tx) => {
        tx.afterCommit(() => {
          committedMs = nowMs();
        });
        for (let first = 0; first < rows.length; first += ROWS_TOGETHER) {
          await tx.db.insert(liveEvents).values(rows.slice(first, first + ROWS_TOGETHER));
        }
        const lastNumber = last;
        for (const userId of people) {
          await tx.db
            .insert(liveSequences)
            .values({ userId, lastNumber })
            .onConflictDoUpdate({ target: liveSequences.userId, set: { lastNumber } });
          tx.afterCommit(() => tx.wakeUps.wake("live", userId));
        }
      });
      return committedMs;
    },
    async join(reader) {
      const userId = await meet();
      await reader.open(port, [await pathOf(userId)], true);
      return userId;
    },
    openSockets: () => api.gauges.find(({ name }) => name === "atelier_live_sockets")?.read()[0]?.value ?? Number.NaN,
    async stop() {
      await api.stop();
      await product.close();
    },
  };
}
