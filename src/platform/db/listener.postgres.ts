import type { Log } from "../telemetry/log.ts";
import { withDeadline } from "../with-deadline.ts";
import type { Connection } from "./connection.postgres.ts";

/**
 * The session that hears NOTIFY.
 *
 *   listen:  all channels on one session, and one channel of its own for the pulse
 *   pulse:   every few seconds a notice to itself, which must come back; a session that was cut without a word, or a
 *            pooler that passes no notices on, is found out by that and by nothing else
 *   again:   after any fault a new session listens to everything, and everybody is told that notices may be missing
 *
 * Wake-ups are hints behind a poll, so nothing of this may keep a program from starting or from working.
 */
export interface Listener {
  listen(channel: string, onMessage: (payload: string) => void, onReconnect: () => void): Promise<void>;
  stop(): Promise<void>;
}

type Connect = (onNotice: (channel: string, payload: string) => void) => Promise<Connection>;

const PULSE_MS = 3_000;
/** A pulse is back within milliseconds, or something is wrong. */
const PULSE_BACK_MS_MAX = 2_000;
const AGAIN_MS = { least: 50, most: 500 };
/** Where notices do not come through at all, they are tried for again this often. */
const DEAF_MS = 60_000;
/** Sessions in a row that heard nothing, though they answered, before that counts as a fault of the place. */
const DEAF_MAX = 3;
/** A start waits so long for the first session; what listens later is told to look for itself. */
const FIRST_MS_MAX = 3_000;

interface Ear {
  onMessage(payload: string): void;
  onReconnect(): void;
}

/** Listens through sessions that `connect` opens; null: there are none to be had, and polling is all there is. */
export function createListener(connect: Connect | null, log: Log | undefined): Listener {
  const channels = new Map<string, Ear[]>();
  const pulseChannel = `atelier_pulse_${crypto.randomUUID().replaceAll("-", "")}`;
  let onPulse: () => void = () => {};
  let session: Connection | undefined;
  const waitingForFirst: (() => void)[] = [];
  let keeping: Promise<void> | undefined;
  let isStopped = false;
  /** Whether notices may have been missed by now. */
  let isAgain = false;
  let wakeSleeper: () => void = () => {};

  const hear = (channel: string, payload: string) => {
    if (channel === pulseChannel) onPulse();
    else for (const ear of channels.get(channel) ?? []) ear.onMessage(payload);
  };
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeSleeper = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const pulse = async (on: Connection) => {
    const back = new Promise<void>((resolve) => {
      onPulse = resolve;
    });
    const sent = on.client.unsafe("select pg_notify($1, '')", [pulseChannel] as never[]);
    await withDeadline(Promise.all([sent, back]), PULSE_BACK_MS_MAX, "a notice to itself");
  };
  /** Listens until the session ends; resolves with whether it ever heard anything. */
  const keepOne = async (connectNow: Connect): Promise<boolean> => {
    const on = await connectNow(hear);
    let hasHeard = false;
    on.onEnd(() => wakeSleeper());
    try {
      await withDeadline(listenOn(on, pulseChannel), PULSE_BACK_MS_MAX, "listening");
      await pulse(on);
      hasHeard = true;
      // Each in its turn, as further ones may come meanwhile.
      for (const channel of channels.keys()) {
        await withDeadline(listenOn(on, channel), PULSE_BACK_MS_MAX, "listening");
      }
      session = on;
      if (isAgain) for (const ear of [...channels.values()].flat()) ear.onReconnect();
      for (const ready of waitingForFirst.splice(0)) ready();
      while (!isStopped && !on.isBroken) {
        await sleep(PULSE_MS);
        if (!isStopped && !on.isBroken) await pulse(on);
      }
    } catch (error) {
      if (!isStopped) log?.warn("the session that listens was lost", { error });
    } finally {
      isAgain = true;
      session = undefined;
      on.drop();
    }
    return hasHeard;
  };
  const keep = async (connectNow: Connect) => {
    let deaf = 0;
    for (let failures = 0; !isStopped; ) {
      try {
        deaf = (await keepOne(connectNow)) ? 0 : deaf + 1;
        failures = 0;
      } catch {
        // Whoever uses the database says so; here it is enough to try again.
        isAgain = true;
        failures += 1;
      }
      if (deaf === DEAF_MAX) log?.warn("the database passes no notices on; changes are found by polling alone");
      if (isStopped) return;
      await sleep(deaf >= DEAF_MAX ? DEAF_MS : Math.min(AGAIN_MS.most, AGAIN_MS.least * 2 ** Math.min(failures, 8)));
    }
  };

  return {
    async listen(channel, onMessage, onReconnect) {
      if (connect === null || isStopped) return;
      const ear = { onMessage, onReconnect };
      const others = channels.get(channel);
      channels.set(channel, [...(others ?? []), ear]);
      keeping ??= keep(connect);
      const on = session;
      if (on === undefined) {
        await Promise.race([new Promise<void>((ready) => waitingForFirst.push(ready)), Bun.sleep(FIRST_MS_MAX)]);
      } else if (others === undefined) {
        // A session that fails here is replaced by one that listens to this channel, too.
        await withDeadline(listenOn(on, channel), PULSE_BACK_MS_MAX, "listening").catch(() => on.drop());
      }
    },
    async stop() {
      isStopped = true;
      wakeSleeper();
      session?.drop();
      await keeping;
    },
  };
}

async function listenOn(on: Connection, channel: string): Promise<void> {
  await on.client.unsafe(`listen "${channel.replaceAll('"', '""')}"`);
}
