import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";

/** From one fault to the next at one emulator. */
const CHANGE_MS = { least: 1_500, most: 5_000 };
const TIMES_MAX = 4;
/** Of `delay`, and of whatever else waits. */
const DELAY_MS_MAX = 1_500;

const ANSWERS_LOST = ["executed_reset", "half_body"];
const TRANSPORT = ["delay", "reset", "not_json", "edge_502", "edge_504"];

/**
 * What may go wrong where. Left out is what an emulator offers to say that an account is empty or a key is wrong: the
 * product then rightly refuses all work until somebody has acted, and nothing would be loaded any more. So is a success
 * without a picture: another task is meant then, which the emulator's books cannot tell from a double create.
 */
const SKY: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  kie: {
    "kie.create": [...TRANSPORT, ...ANSWERS_LOST, "no_task_id", "http_429", "http_500"],
    "kie.query": [...TRANSPORT, "half_body", "record_null", "http_500", "queuing", "unknown_state"],
    "kie.upload": [...TRANSPORT, ...ANSWERS_LOST, "http_500"],
    "kie.result": ["reset", "delay", "half_body", "http_503", "http_404", "garbage", "redirect_once"],
    "kie.outcome": ["moderated", "transient", "upstream_timeout", "slow", "never"],
    "kie.callback": ["missing", "late", "duplicate", "before_reply", "unsigned", "stale_timestamp"],
  },
  openrouter: {
    "openrouter.chat": [...TRANSPORT, ...ANSWERS_LOST, "http_500", "http_503_retry_after", "body_502", "http_529"],
    "openrouter.answer": ["fenced", "wrapped", "refusal", "length", "two_variants", "invalid_json", "empty"],
    "openrouter.stream": ["mid_error", "cut", "cut_before_usage", "split", "no_done", "slow_start", "only_error"],
    "openrouter.usage": ["negative", "missing_cost", "no_usage", "empty_choices"],
  },
  yookassa: {
    "yookassa.create": [...TRANSPORT, ...ANSWERS_LOST, "executed_500", "processing", "http_500", "http_429"],
    "yookassa.refund": [...TRANSPORT, ...ANSWERS_LOST, "executed_500", "processing", "http_500"],
    "yookassa.read": [...TRANSPORT, "http_500", "http_429"],
    "yookassa.list": ["reset", "http_500"],
    "yookassa.payer": ["before_answer", "at_once", "declined"],
    "yookassa.autopayment": ["insufficient_funds", "card_expired", "pending", "pending_declined"],
    "yookassa.refund_outcome": ["pending", "pending_canceled", "canceled"],
    "yookassa.notify": ["drop", "duplicate", "delay", "reorder", "forged_amount", "forged_status"],
  },
  telegram: {
    "telegram.send": [...TRANSPORT, ...ANSWERS_LOST, "executed_500", "http_500", "http_429", "http_403_blocked"],
    "telegram.call": ["reset", "http_500", "delay"],
  },
  lknpd: {
    "lknpd.income": [...TRANSPORT, ...ANSWERS_LOST, "executed_500", "empty", "http_500", "html_503"],
    "lknpd.cancel": [...TRANSPORT, ...ANSWERS_LOST, "executed_500", "http_500"],
    "lknpd.incomes": ["reset", "http_500", "delay"],
    "lknpd.login": ["reset", "http_500"],
    "lknpd.session": ["dead"],
  },
};

type Active = Record<string, { mode: string; times?: number }>;

export interface Weather {
  /** Switches everything off and counts what has struck. */
  clear(): Promise<void>;
}

/** Changes the faults of all emulators by their own switches over HTTP, until it is cleared. */
export function startWeather(stage: Stage, random: () => number, struck: Tally): Weather {
  let isOver = false;
  const origins: Record<string, string> = {
    kie: stage.deployment.kie.url,
    openrouter: stage.openRouter.url,
    yookassa: stage.shop.origin,
    telegram: stage.telegram.url,
    lknpd: stage.lknpd.origin,
  };
  const over = Promise.all(
    Object.entries(SKY).map(async ([emulator, switches]) => {
      const address = `${origins[emulator]}/_faults`;
      const set = new Map<string, { mode: string; times: number }>();
      while (!isOver) {
        const before = await switchesAt(address, "GET");
        for (const name of set.keys()) count(name, set, before, struck);
        const [name, modes] = pick(Object.entries(switches), random);
        const times = 1 + Math.floor(random() * TIMES_MAX);
        const fault = {
          mode: pick(modes, random),
          times,
          probability: 0.3 + random() * 0.7,
          seed: Math.floor(random() * 1e9),
          delayMs: Math.floor(random() * DELAY_MS_MAX),
        };
        set.set(name, { mode: fault.mode, times });
        await switchesAt(address, "PUT", { [name]: fault });
        await Bun.sleep(CHANGE_MS.least + random() * (CHANGE_MS.most - CHANGE_MS.least));
      }
      const last = await switchesAt(address, "GET");
      for (const name of set.keys()) count(name, set, last, struck);
      await switchesAt(address, "DELETE");
    }),
  );
  over.catch(() => {});
  return {
    async clear() {
      isOver = true;
      await over;
    },
  };
}

/** Counts how often a fault has struck since it was looked at last; one that is used up is no longer active. */
function count(name: string, set: Map<string, { mode: string; times: number }>, active: Active, struck: Tally): void {
  const mine = set.get(name);
  if (mine === undefined) return;
  const left = active[name]?.times ?? 0;
  if (mine.times > left) struck.add(`${name} ${mine.mode}`, mine.times - left);
  if (left === 0) set.delete(name);
  else mine.times = left;
}

async function switchesAt(address: string, method: "GET" | "PUT" | "DELETE", body?: unknown): Promise<Active> {
  const response = await fetch(address, {
    method,
    keepalive: false,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status !== 200) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { active: Active }).active;
}

export function pick<T>(from: readonly T[], random: () => number): T {
  const one = from[Math.floor(random() * from.length)];
  if (one === undefined) throw new Error("there is nothing to pick from");
  return one;
}
