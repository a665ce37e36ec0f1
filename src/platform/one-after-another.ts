/** After this time of somebody's work the next one begins beside it: what hangs must not hold up others. */
const ALONE_MS_MAX = 500;

/** By key: when whoever asked last lets the next one begin. */
const last = new Map<string, Promise<void>>();

/**
 * Runs `work` behind all that was asked before for the same key, and beside one that takes too long. For transactions
 * that lock the same row: twenty of one person would otherwise wait in the database, each with a connection that others
 * need. A courtesy, no lock: correctness is the database's.
 */
export function oneAfterAnother<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(key);
  const result = before === undefined ? work() : before.then(work);
  const letsGo = (before ?? Promise.resolve()).then(() => endOrDelay(result));
  last.set(key, letsGo);
  void letsGo.then(() => {
    if (last.get(key) === letsGo) last.delete(key);
  });
  return result;
}

/** Never rejects. */
function endOrDelay(result: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, ALONE_MS_MAX);
    const over = () => {
      clearTimeout(late);
      resolve();
    };
    result.then(over, over);
  });
}
