import { describe, expect, test } from "bun:test";
import { oneAfterAnother } from "../../src/platform/one-after-another.ts";

describe("work for one key", () => {
  test("runs one after another in the order of asking, also behind one that failed", async () => {
    const seen: string[] = [];
    const work = (name: string, ms: number) => async () => {
      seen.push(`${name} begins`);
      await Bun.sleep(ms);
      seen.push(`${name} ends`);
      if (name === "b") throw new Error("b is broken");
      return name;
    };
    const results = await Promise.allSettled([
      oneAfterAnother("key", work("a", 20)),
      oneAfterAnother("key", work("b", 1)),
      oneAfterAnother("key", work("c", 5)),
    ]);
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : String(result.reason)))).toEqual([
      ...["a", "Error: b is broken", "c"],
    ]);
    expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("waits for its turn however long the queue is", async () => {
    let running = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await Bun.sleep(60);
      running -= 1;
    };
    await Promise.all(Array.from({ length: 12 }, () => oneAfterAnother("queue", work)));
    expect(most).toBe(1);
  });

  test("goes on beside what hangs", async () => {
    const never = oneAfterAnother("stuck", () => new Promise<never>(() => {}));
    const startedAt = performance.now();
    expect(await oneAfterAnother("stuck", async () => "done")).toBe("done");
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    expect(Bun.peek.status(never)).toBe("pending");
  });

  test("does not wait for that of another key", async () => {
    const never = oneAfterAnother("one", () => new Promise<never>(() => {}));
    expect(await oneAfterAnother("another", async () => "done")).toBe("done");
    expect(Bun.peek.status(never)).toBe("pending");
  });
});
