import type { Storage } from "../../src/platform/storage/storage.ts";
import type { TestApp } from "./app.ts";

/** What the storage of a test was asked, and how it is to fail. */
export interface FaultyStorage {
  /** Deletions of one key that fail before one succeeds. */
  refusals: number;
  /** Keys whose deletion always fails. */
  stubborn: ReadonlySet<string>;
  /** Keys whose content was opened, in their order. */
  opened: string[];
  /** Every try to delete. */
  deletions: string[];
}

/** Puts a storage that can refuse in front of the product's own, for as long as the product runs. */
export function makeStorageFaulty(app: TestApp): FaultyStorage {
  const storage = app.ctx.storage as { -readonly [Name in keyof Storage]: Storage[Name] };
  const own = { read: storage.read, delete: storage.delete };
  const faulty: FaultyStorage = { refusals: 0, stubborn: new Set(), opened: [], deletions: [] };
  const refused = new Map<string, number>();
  storage.read = async (key) => {
    const file = await own.read(key);
    if (!file) return null;
    return {
      ...file,
      stream() {
        faulty.opened.push(key);
        return file.stream();
      },
    };
  };
  storage.delete = async (key) => {
    faulty.deletions.push(key);
    if (faulty.stubborn.has(key)) throw new Error("the bucket refuses this one");
    const before = refused.get(key) ?? 0;
    if (before < faulty.refusals) {
      refused.set(key, before + 1);
      throw new Error("the bucket does not answer");
    }
    return own.delete(key);
  };
  return faulty;
}
