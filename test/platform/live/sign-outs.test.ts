import { expect, test } from "bun:test";
import { createSignOuts } from "../../../src/platform/live/sign-outs.ts";
import { createLog } from "../../../src/platform/telemetry/log.ts";
import type { WakeUps } from "../../../src/platform/wake.ts";
import { until } from "../../support/until.ts";

/** Sockets of some people, and a wake-up by hand. */
function watched(people: Readonly<Record<string, boolean>>) {
  let wake: (keys: readonly string[] | null) => void = () => {};
  const wakeUps: Pick<WakeUps, "subscribe"> = {
    subscribe(_, listener) {
      wake = listener;
      return () => {
        wake = () => {};
      };
    },
  };
  const signOuts = createSignOuts(wakeUps as WakeUps, createLog({ level: "silent", format: "json", write: () => {} }));
  const closed: string[] = [];
  for (const [userId, isAllowed] of Object.entries(people)) {
    const raw = { close: (code: number) => void closed.push(`${userId} ${code}`) };
    signOuts.watch(raw, { userId, stillAllowed: async () => isAllowed });
  }
  return { signOuts, closed, wake: (keys: readonly string[] | null) => wake(keys) };
}

test("a wake-up closes the sockets of those whom it names, if they may not stay", async () => {
  const { closed, wake } = watched({ ann: false, bob: false, eve: true });
  wake(["ann", "eve"]);
  await until(() => closed.length > 0, "it is closed");
  expect(closed).toEqual(["ann 1008"]);
});

test("F8 when notices may have been missed, everybody is looked at", async () => {
  const { closed, wake } = watched({ ann: false, bob: false, eve: true });
  wake(null);
  await until(() => closed.length > 1, "they are closed");
  expect(closed.sort()).toEqual(["ann 1008", "bob 1008"]);
});

test("F3 a server that stops closes all that are left, once, and hears no more", async () => {
  const { signOuts, closed, wake } = watched({ ann: false, eve: true });
  signOuts.stop(1001, "going away");
  signOuts.stop(1001, "going away");
  wake(null);
  await Bun.sleep(5);
  expect(closed.sort()).toEqual(["ann 1001", "eve 1001"]);
});
