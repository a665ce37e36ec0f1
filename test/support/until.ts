const POLL_MS = 5;
/** Generous, as a machine that does a lot else needs; what never comes is still said by name, before a test's own deadline. */
const WAIT_MS = 30_000;

/** Waits until `condition` holds; throws with `what` when it does not in time. For what happens in real time only. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = WAIT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await Bun.sleep(POLL_MS);
  }
}

/** Waits until what `look` sees is as expected; throws with what it was instead. */
export async function becomes(look: () => unknown, expected: unknown): Promise<void> {
  let seen: unknown;
  await until(
    async () => {
      seen = await look();
      return Bun.deepEquals(seen, expected);
    },
    `${JSON.stringify(expected)} is seen`,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(seen)}`);
  });
}
