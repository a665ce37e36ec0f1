/** Waiting for a network that comes and goes. */

const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;
const LISTENED: readonly (readonly [EventTarget, string])[] = [
  [window, "online"],
  [document, "visibilitychange"],
];

/** How long to wait before the try after `failures` in a row; no two pages come back in the same moment. */
export function pauseAfter(failures: number): number {
  const longest = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
  return longest * (0.5 + Math.random() / 2);
}

/** Waits; shorter when the network comes back, the page is seen again or `signal` says so. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      if (document.visibilityState === "visible") done();
    };
    const done = () => {
      clearTimeout(timer);
      for (const [target, name] of LISTENED) target.removeEventListener(name, wake);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    for (const [target, name] of LISTENED) target.addEventListener(name, wake);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
