import { Refusal } from "../../platform/errors.ts";

/** Uploads whose bodies are in memory at once; further ones wait with their bodies unread, so memory does not grow. */
const READING_COUNT_MAX = 8;
/** Uploads that may wait; beyond that the server says so at once instead of letting people wait in vain. */
const WAITING_COUNT_MAX = 200;

/** Lets a bounded number of uploads in, in their order. */
export interface UploadGate {
  pass<T>(work: () => Promise<T>): Promise<T>;
}

/** Makes the gate of one API process. */
export function createUploadGate(): UploadGate {
  let inside = 0;
  const waiting: Array<() => void> = [];
  return {
    async pass(work) {
      if (inside >= READING_COUNT_MAX) {
        if (waiting.length >= WAITING_COUNT_MAX) throw new Refusal("busy", { retry_after: 5 });
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else inside += 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else inside -= 1;
      }
    },
  };
}
