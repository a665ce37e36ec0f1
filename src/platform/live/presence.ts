import { and, eq, gt, inArray, lt } from "drizzle-orm";
import { after, type Clock, MINUTE_MS, SECOND_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { newId } from "../ids.ts";
import type { Log } from "../telemetry/log.ts";
import { liveConnections, liveHosts } from "./tables.ts";

/**
 * Who has a live socket open, known to every process that shares the database. A connection belongs to a host (one process
 * that serves sockets), whose one heartbeat keeps all of its connections: what a process leaves behind that is killed
 * counts no more after a minute, whatever the number of its sockets was.
 */
export interface LivePresence {
  /** A socket was opened; what is returned is called when it ends. */
  opened(userId: string): () => void;
  /** This process serves no more. Resolves when that is written down. */
  stop(): Promise<void>;
}

const BEAT_MS = 20 * SECOND_MS;
/** A host that was silent for so long is gone. */
const SILENT_MS_MAX = MINUTE_MS;
/** What it left behind is removed after this time; until then it merely does not count. */
const FORGET_MS = 10 * MINUTE_MS;

interface PresenceNeeds {
  db: Queries;
  clock: Clock;
  log: Log;
}

export function createLivePresence(needs: PresenceNeeds): LivePresence {
  const { db, clock } = needs;
  const hostId = newId();
  let timer: Timer | undefined;
  let stopped = false;
  /** In the order in which it happened: a socket must not be written as open after its end was. */
  let writing: Promise<void> = Promise.resolve();
  const write = (work: () => Promise<unknown>) => {
    writing = writing.then(work).then(
      () => {},
      (error: unknown) => {
        // A lost line costs at most one message too many or too few.
        if (!stopped) needs.log.warn("who is connected could not be written down", { error });
      },
    );
    return writing;
  };
  const beat = async () => {
    const heartbeatAt = clock.now();
    await db
      .insert(liveHosts)
      .values({ id: hostId, heartbeatAt })
      .onConflictDoUpdate({ target: liveHosts.id, set: { heartbeatAt } });
    await forgetSilentHosts(needs);
  };
  const start = () => {
    if (timer !== undefined) return;
    timer = setInterval(() => void write(beat), BEAT_MS);
    void write(beat);
  };

  return {
    opened(userId) {
      if (stopped) return () => {};
      start();
      const id = newId();
      void write(() => db.insert(liveConnections).values({ id, hostId, userId }));
      return () => {
        if (!stopped) void write(() => db.delete(liveConnections).where(eq(liveConnections.id, id)));
      };
    },
    async stop() {
      if (stopped) return writing;
      clearInterval(timer);
      if (timer !== undefined) {
        void write(async () => {
          await db.delete(liveConnections).where(eq(liveConnections.hostId, hostId));
          await db.delete(liveHosts).where(eq(liveHosts.id, hostId));
        });
      }
      stopped = true;
      await writing;
    },
  };
}

/** Whether the person has a live socket open, in whichever process. */
export async function isConnected(needs: Pick<PresenceNeeds, "db" | "clock">, userId: string): Promise<boolean> {
  const rows = await needs.db
    .select({ id: liveConnections.id })
    .from(liveConnections)
    .innerJoin(liveHosts, eq(liveHosts.id, liveConnections.hostId))
    .where(and(eq(liveConnections.userId, userId), gt(liveHosts.heartbeatAt, after(needs.clock.now(), -SILENT_MS_MAX))))
    .limit(1);
  return rows.length > 0;
}

async function forgetSilentHosts({ db, clock }: Pick<PresenceNeeds, "db" | "clock">): Promise<void> {
  const silent = await db
    .select({ id: liveHosts.id })
    .from(liveHosts)
    .where(lt(liveHosts.heartbeatAt, after(clock.now(), -FORGET_MS)));
  if (silent.length === 0) return;
  const ids = silent.map((host) => host.id);
  await db.delete(liveConnections).where(inArray(liveConnections.hostId, ids));
  await db.delete(liveHosts).where(inArray(liveHosts.id, ids));
}
