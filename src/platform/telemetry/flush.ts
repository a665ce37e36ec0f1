/** A collector that does not answer holds up the end of the program no longer than this. */
export const FLUSH_MS_MAX = 2_000;

/** Waits for what is still to be sent, but no longer than that, and whatever becomes of it. */
export async function flushInTime(sending: PromiseLike<unknown>): Promise<void> {
  await Promise.race([sending, Bun.sleep(FLUSH_MS_MAX)]).catch(() => {});
}
