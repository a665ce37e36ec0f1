/** Long polls of one person at once, as many as sockets: a phone, a desk, a few forgotten tabs. */
const POLLS_PER_PERSON_MAX = 10;

/** The long polls of this process. */
export interface Polls {
  /** Runs a person's poll. With one more than they may have, their oldest is told to end, and answers with what it has. */
  hold<T>(userId: string, poll: (ended: AbortSignal) => Promise<T>): Promise<T>;
}

export function createPolls(): Polls {
  const byPerson = new Map<string, Set<AbortController>>();
  return {
    async hold(userId, poll) {
      const mine = byPerson.get(userId) ?? new Set();
      const [oldest] = mine;
      if (oldest !== undefined && mine.size >= POLLS_PER_PERSON_MAX) {
        // Counted out here: it may take a moment to end.
        mine.delete(oldest);
        oldest.abort();
      }
      const own = new AbortController();
      byPerson.set(userId, mine.add(own));
      try {
        return await poll(own.signal);
      } finally {
        mine.delete(own);
        if (mine.size === 0 && byPerson.get(userId) === mine) byPerson.delete(userId);
      }
    },
  };
}
