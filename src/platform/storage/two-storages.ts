import type { Storage, StorageEntry } from "./storage.ts";

/**
 * Two storages as one, while files move from the second (`fallback`) to the first (`primary`): what is new is written to
 * the first, what is not there yet is read from the second, and a deletion deletes in both.
 *
 * A deletion and a move of the same file may meet. The second storage loses it first here, and a move looks at its source
 * once more after it has written a copy: whichever comes last sees what the other did, and no deleted file stays.
 */
export function withFallback(primary: Storage, fallback: Storage): Storage {
  return {
    put: (key, content, options) => primary.put(key, content, options),
    // Asked once more at the end: it may have moved between the two questions.
    read: async (key) => (await primary.read(key)) ?? (await fallback.read(key)) ?? (await primary.read(key)),
    async delete(key) {
      await fallback.delete(key);
      await primary.delete(key);
    },
    list: (prefix) => listBoth(primary, fallback, prefix),
    async check() {
      await primary.check();
      await fallback.ping();
    },
    async ping() {
      await Promise.all([primary.ping(), fallback.ping()]);
    },
    link: (key, wishes) => primary.link(key, wishes),
  };
}

/** Every file once. The keys of the first are held meanwhile: about a hundred bytes for each file. */
async function* listBoth(primary: Storage, fallback: Storage, prefix?: string): AsyncGenerator<StorageEntry> {
  const seen = new Set<string>();
  for await (const entry of primary.list(prefix)) {
    seen.add(entry.key);
    yield entry;
  }
  for await (const entry of fallback.list(prefix)) if (!seen.has(entry.key)) yield entry;
}
