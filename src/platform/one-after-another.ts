/** Nobody waits longer for the one before: what hangs there must not hold up others. */
const WAIT_MS_MAX = 500;

/** What comes last for each key, in this process. */
const last = new Map<string, Promise<unknown>>();

/**
 * Runs `work` behind all that was asked before for the same key, and beside it once that takes too long. For transactions
 * that lock the same row: twenty of one person would otherwise wait in the database, each with a connection that others
 * need. A courtesy, no lock: correctness is the database's.
 */
export function oneAfterAnother<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(key);
  const mine = before === undefined ? work() : ended(before).then(work);
  last.set(key, mine);
  const forget = () => {
    if (last.get(key) === mine) last.delete(key);
  };
  mine.then(forget, forget);
  return mine;
}

function ended(before: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, WAIT_MS_MAX);
    const over = () => {
      clearTimeout(late);
      resolve();
    };
    before.then(over, over);
  });
}
