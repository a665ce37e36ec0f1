const POLL_MS = 5;

/** Far more than anything takes: what happens late on a machine with much to do is no fault, what never happens is. */
const WAIT_MS_MAX = 30_000;

/** Waits until `condition` holds; throws with `what` when it does not in time. For what happens in real time only. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = WAIT_MS_MAX,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await Bun.sleep(POLL_MS);
  }
}
