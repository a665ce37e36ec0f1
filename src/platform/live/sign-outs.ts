import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";

/** RFC 6455: the peer may not go on. */
export const CLOSE_SIGNED_OUT = 1008;

/** What is needed of a socket. */
interface Raw {
  close(code: number, reason: string): void;
}

interface Watched {
  userId: string;
  stillAllowed(): Promise<boolean>;
}

/**
 * Closes sockets whose person was signed out, at once and in every process. It hears of it by a wake-up (`sessions`, with
 * the person's id); the heartbeats of the sockets find whatever wake-up was lost.
 */
export interface SignOuts {
  watch(raw: Raw, watched: Watched): void;
  forget(raw: Raw): void;
  /** Closes all that are watched, so that their clients go to another process. */
  stop(code: number, reason: string): void;
}

export function createSignOuts(wakeUps: WakeUps, log: Log): SignOuts {
  const byPerson = new Map<string, Map<Raw, Watched>>();
  const people = new WeakMap<Raw, string>();

  const forget = (raw: Raw) => {
    const userId = people.get(raw);
    if (userId === undefined) return;
    people.delete(raw);
    const others = byPerson.get(userId);
    others?.delete(raw);
    if (others?.size === 0) byPerson.delete(userId);
  };
  const look = async (userId: string) => {
    for (const [raw, watched] of [...(byPerson.get(userId) ?? [])]) {
      if (await watched.stillAllowed()) continue;
      forget(raw);
      raw.close(CLOSE_SIGNED_OUT, "signed out");
    }
  };
  const unsubscribe = wakeUps.subscribe("sessions", (keys) => {
    // Null: somebody may have been signed out while nothing was heard.
    for (const userId of keys ?? [...byPerson.keys()]) {
      look(userId).catch((error: unknown) => log.warn("the sockets of a person could not be checked", { error }));
    }
  });

  return {
    watch(raw, watched) {
      const others = byPerson.get(watched.userId) ?? new Map<Raw, Watched>();
      byPerson.set(watched.userId, others.set(raw, watched));
      people.set(raw, watched.userId);
    },
    forget,
    stop(code, reason) {
      unsubscribe();
      for (const raw of [...byPerson.values()].flatMap((sockets) => [...sockets.keys()])) {
        forget(raw);
        raw.close(code, reason);
      }
    },
  };
}
