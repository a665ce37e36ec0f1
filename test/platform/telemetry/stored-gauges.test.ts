import { describe, expect, test } from "bun:test";
import { createStoredGauges, type StoredGauge } from "../../../src/platform/telemetry/stored-gauges.ts";
import { quietLog } from "../../support/telemetry.ts";

const gauge = (read: StoredGauge["read"], name = "atelier_test"): StoredGauge => ({
  name,
  help: "-",
  labels: [],
  read,
});
const READ_MS_MAX = 30;

function storedWith(gauges: StoredGauge[]) {
  const time = { ms: 0 };
  const stored = createStoredGauges(gauges, { log: quietLog, nowMs: () => time.ms, readMsMax: READ_MS_MAX });
  const value = (name: string) => stored.sources.find((source) => source.name === name)?.read()[0]?.value;
  return { stored, time, value };
}

describe("numbers of the database", () => {
  test("are read at most once in five seconds, however many ask at once", async () => {
    let reads = 0;
    const { stored, time, value } = storedWith([
      gauge(async () => {
        reads += 1;
        return [{ value: reads }];
      }),
    ]);
    await Promise.all(Array.from({ length: 20 }, () => stored.refresh()));
    time.ms = 4_999;
    await stored.refresh();
    expect([reads, value("atelier_test")]).toEqual([1, 1]);
    time.ms = 5_000;
    await stored.refresh();
    expect([reads, value("atelier_test"), value("atelier_stored_numbers_fresh")]).toEqual([2, 2, 1]);
  });

  test("are waited for only so long; then the last ones are shown for a minute, and after it none", async () => {
    let hangs = false;
    let reads = 0;
    const { stored, time, value } = storedWith([
      gauge(() => {
        reads += 1;
        return hangs ? new Promise(() => {}) : Promise.resolve([{ value: 7 }]);
      }),
    ]);
    await stored.refresh();
    hangs = true;
    time.ms = 59_000;
    const startedAt = performance.now();
    await stored.refresh();
    expect(performance.now() - startedAt).toBeLessThan(READ_MS_MAX * 10);
    expect([value("atelier_test"), value("atelier_stored_numbers_fresh")]).toEqual([7, 1]);
    time.ms = 61_000;
    await stored.refresh();
    // The reading that hangs is not joined by a second one.
    expect(reads).toBe(2);
    expect([value("atelier_test"), value("atelier_stored_numbers_fresh")]).toEqual([undefined, 0]);
  });

  test("that cannot be read are counted, and keep nobody from the rest of the page", async () => {
    const { stored, value } = storedWith([
      gauge(async () => [{ value: 1 }], "atelier_first"),
      gauge(() => Promise.reject(new Error("away")), "atelier_second"),
    ]);
    await stored.refresh();
    expect([value("atelier_first"), value("atelier_second")]).toEqual([1, undefined]);
    expect([value("atelier_stored_numbers_failures"), value("atelier_stored_numbers_fresh")]).toEqual([1, 0]);
  });
});
