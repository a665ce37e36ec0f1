/** Requests are answered back to back for this long before everybody else has a turn. */
const TURN_MS = 10;

let lastTurnAt = 0;

/**
 * Lets timers and other connections have their turn, at most once in `TURN_MS`; undefined while that time is not over.
 *
 * Bun 1.4.5 accepts connections in a loop that ends when none is waiting, and answers on the way whatever needs no
 * waiting of its own, which with SQLite is nearly everything. A flood of fresh connections (a proxy without keep-alive)
 * then never lets a timer fire: no heartbeat, no job, no deadline, for 9 s in a probe with 30 callers. A request that
 * waits for the next turn ends that loop.
 */
export function nextTurn(): Promise<void> | undefined {
  if (performance.now() - lastTurnAt < TURN_MS) return undefined;
  return new Promise((resolve) => {
    setImmediate(() => {
      lastTurnAt = performance.now();
      resolve();
    });
  });
}
