import { after, type Clock, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../platform/clock.ts";
import type { Faults } from "./faults.ts";
import type { NoticeMode } from "./yookassa-faults.ts";
import { type ForgedNotice, forgedNotice, OFFICIAL_SOURCE } from "./yookassa-forge.ts";

/** Sent again until the answer is exactly 200, for this long. */
export const NOTICE_DAY_MS = DAY_MS;
/** The real intervals are not published. */
const RETRY_DELAYS_MS = [10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS];
const ANSWER_TIMEOUT_MS = 30 * SECOND_MS;
const DELAY_MS_DEFAULT = 2 * SECOND_MS;
const COPIES: Readonly<Record<string, number>> = { duplicate: 2, duplicate_10: 10, duplicate_50: 50 };

export interface NoticeCounts {
  /** Posts, repetitions included. */
  sent: number;
  /** Answered with 200. */
  taken: number;
  /** Answered with anything else, or not at all. */
  failed: number;
  dropped: number;
  /** Notices of events while there was no address to send them to. */
  nowhere: number;
}

/** A notice on its way, with when it is tried next. */
interface Delivery extends ForgedNotice {
  bornAt: Date;
  tries: number;
  dueAt: Date;
}

export interface NoticesOptions {
  clock: Clock;
  faults: Faults;
  webhookUrl: () => string | undefined;
}

export interface YooKassaNotices {
  counts: NoticeCounts;
  /** How many wait for their next try, or are held by a switch. */
  waiting(): number;
  /** Tells the shop of an event, unless a switch wants it otherwise. `object` must be a copy of its own. */
  tell(event: string, object: Record<string, unknown>): void;
  /** Posts anything at all, so many times at once; resolves with the HTTP statuses, 0 for no answer. No repetition. */
  post(notice: ForgedNotice, copies: number): Promise<number[]>;
  /** Tries again what is due by the clock. */
  pump(): Promise<void>;
  /** Sends what `hold` and `reorder` keep, one after the other. */
  release(order: "oldest_first" | "latest_first"): Promise<void>;
  /** Resolves when no try is under way. */
  tried(): Promise<void>;
  stop(): void;
}

interface Desk extends NoticesOptions {
  counts: NoticeCounts;
  /** Failed, and to be tried again when due. */
  pending: Set<Delivery>;
  /** Kept back by a switch; those of `reorder` only until the next notice was delivered. */
  held: { delivery: Delivery; untilNext: boolean }[];
  underWay: Set<Promise<void>>;
  stopped: AbortController;
}

/** Tells a shop of its events by HTTP, as badly as the switches want. */
export function createYooKassaNotices(options: NoticesOptions): YooKassaNotices {
  const counts: NoticeCounts = { sent: 0, taken: 0, failed: 0, dropped: 0, nowhere: 0 };
  const desk: Desk = {
    ...options,
    counts,
    pending: new Set(),
    held: [],
    underWay: new Set(),
    stopped: new AbortController(),
  };
  return {
    counts,
    waiting: () => desk.pending.size + desk.held.length,
    tell: (event, object) => tell(desk, event, object),
    post: (notice, copies) => Promise.all(Array.from({ length: copies }, () => post(desk, notice))),
    async pump() {
      const now = options.clock.now();
      const due = [...desk.pending].filter(({ dueAt }) => dueAt <= now);
      await Promise.all(due.map((delivery) => start(desk, delivery)));
    },
    async release(order) {
      const all = desk.held.splice(0);
      if (order === "latest_first") all.reverse();
      for (const { delivery } of all) await start(desk, delivery);
    },
    async tried() {
      while (desk.underWay.size > 0) await Promise.all(desk.underWay);
    },
    stop() {
      desk.stopped.abort();
      desk.pending.clear();
      desk.held.length = 0;
    },
  };
}

function tell(desk: Desk, event: string, object: Record<string, unknown>): void {
  if (desk.webhookUrl() === undefined) {
    desk.counts.nowhere += 1;
    return;
  }
  const strike = desk.faults.strike("yookassa.notify");
  const mode = strike?.mode as NoticeMode | undefined;
  const now = desk.clock.now();
  const delivery = { ...forgedNotice(event, object, mode), bornAt: now, dueAt: now, tries: 0 };
  if (mode === "drop") {
    desk.counts.dropped += 1;
  } else if (mode === "hold" || mode === "reorder") {
    desk.held.push({ delivery, untilNext: mode === "reorder" });
  } else {
    const delayMs = mode === "delay" ? (strike?.delayMs ?? DELAY_MS_DEFAULT) : 0;
    for (let copy = 0; copy < (COPIES[mode ?? ""] ?? 1); copy += 1) void start(desk, delivery, delayMs);
  }
}

/** One try, and after it whatever was only waiting to be overtaken. */
function start(desk: Desk, delivery: Delivery, delayMs = 0): Promise<void> {
  const run = async (): Promise<void> => {
    if (delayMs > 0) await Bun.sleep(delayMs);
    await attempt(desk, delivery);
    const overtaken = desk.held.filter(({ untilNext }) => untilNext);
    desk.held = desk.held.filter(({ untilNext }) => !untilNext);
    for (const { delivery: late } of overtaken) await attempt(desk, late);
  };
  const going = run().finally(() => desk.underWay.delete(going));
  desk.underWay.add(going);
  return going;
}

async function attempt(desk: Desk, delivery: Delivery): Promise<void> {
  desk.pending.delete(delivery);
  if ((await post(desk, delivery)) === 200 || desk.stopped.signal.aborted) return;
  const dueAt = after(desk.clock.now(), RETRY_DELAYS_MS[delivery.tries] ?? HOUR_MS);
  if (dueAt > after(delivery.bornAt, NOTICE_DAY_MS)) return;
  desk.pending.add({ ...delivery, tries: delivery.tries + 1, dueAt });
}

async function post(desk: Desk, notice: ForgedNotice): Promise<number> {
  const url = desk.webhookUrl();
  if (url === undefined || desk.stopped.signal.aborted) return 0;
  desk.counts.sent += 1;
  const status = await postOnce(url, notice, desk.stopped.signal);
  if (status === 200) desk.counts.taken += 1;
  else desk.counts.failed += 1;
  return status;
}

async function postOnce(url: string, notice: ForgedNotice, stopped: AbortSignal): Promise<number> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "yookassa-emulator/1.0",
        // The proxy in front of a real shop would write this; a product without trusted proxies ignores it.
        "x-forwarded-for": notice.source ?? OFFICIAL_SOURCE,
        connection: "close",
      },
      body: notice.body,
      keepalive: false,
      redirect: "manual",
      signal: AbortSignal.any([stopped, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
