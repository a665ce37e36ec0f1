import { SECOND_MS } from "../platform/clock.ts";

/** What Telegram's pages give as a guide; the true limits are dynamic and not published. */
export const BOT_MESSAGES_PER_SECOND = 30;
/** One message a second for each chat; so many may come at once after a rest. */
export const CHAT_BURST = 3;

export interface PaceCounts {
  /** Messages that were let through. */
  passed: number;
  refusedForBot: number;
  refusedForChat: number;
  /** The most that came within one second, whether let through or not. */
  asksPerSecondMax: number;
}

export interface TelegramPace {
  readonly counts: PaceCounts;
  /** Asks to send one message now. Whole seconds to wait when it may not; then nothing is counted as sent. */
  ask(chatId: number, now: Date, limited: boolean): number | undefined;
}

/** How fast a bot may send, by the emulator's clock. */
export function createTelegramPace(): TelegramPace {
  const counts: PaceCounts = { passed: 0, refusedForBot: 0, refusedForChat: 0, asksPerSecondMax: 0 };
  const asked: number[] = [];
  const passed: number[] = [];
  /** When each chat's next message would be on time, had they come one a second. */
  const chats = new Map<number, number>();
  let botHeldUntil = 0;

  return {
    counts,
    ask(chatId, moment, limited) {
      const now = moment.getTime();
      asked.push(now);
      dropBefore(asked, now - SECOND_MS);
      counts.asksPerSecondMax = Math.max(counts.asksPerSecondMax, asked.length);
      dropBefore(passed, now - SECOND_MS);
      if (limited) {
        if (now >= botHeldUntil && passed.length >= BOT_MESSAGES_PER_SECOND) botHeldUntil = now + SECOND_MS;
        if (now < botHeldUntil) {
          counts.refusedForBot += 1;
          return secondsUntil(botHeldUntil, now);
        }
        const early = (chats.get(chatId) ?? 0) - now - (CHAT_BURST - 1) * SECOND_MS;
        if (early > 0) {
          counts.refusedForChat += 1;
          return secondsUntil(now + early, now);
        }
        chats.set(chatId, Math.max(chats.get(chatId) ?? 0, now) + SECOND_MS);
      }
      passed.push(now);
      counts.passed += 1;
      return undefined;
    },
  };
}

function dropBefore(moments: number[], from: number): void {
  const first = moments.findIndex((moment) => moment > from);
  moments.splice(0, first === -1 ? moments.length : first);
}

function secondsUntil(moment: number, now: number): number {
  return Math.max(1, Math.ceil((moment - now) / SECOND_MS));
}
