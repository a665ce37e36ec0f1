import { SECOND_MS } from "../clock.ts";
import type { GaugeSource, Sample } from "./gauge.ts";
import type { Log } from "./log.ts";

/** A number that the database knows. */
export interface StoredGauge {
  name: string;
  help: string;
  labels: readonly string[];
  /** One query that reads what is open through an index, never what has ended: its cost does not grow with the years. */
  read(): Promise<readonly Sample[]>;
}

/** Several scrapers, or an impatient one, ask the database no more often than this. */
export const STORED_KEPT_MS = 5 * SECOND_MS;
/** A scrape waits for the database no longer; it then shows what is known, or nothing. */
const READ_MS_MAX = 2 * SECOND_MS;
/** What is older says nothing any more and is left out. */
const STORED_VALID_MS = 60 * SECOND_MS;

export interface StoredGauges {
  /** Reads anew what is too old. Returns in time whatever the database does, and never throws. */
  refresh(): Promise<void>;
  /** The same numbers as they were read last. */
  readonly sources: readonly GaugeSource[];
}

export interface StoredGaugeOptions {
  log: Log;
  keptMs?: number | undefined;
  readMsMax?: number | undefined;
  /** A clock that only goes forward. */
  nowMs?: () => number;
}

/** Keeps what was read for some seconds; one reading at a time, and one query of it after the other. */
export function createStoredGauges(
  gauges: readonly StoredGauge[],
  { log, keptMs = STORED_KEPT_MS, readMsMax = READ_MS_MAX, nowMs = () => performance.now() }: StoredGaugeOptions,
): StoredGauges {
  const known = new Map<string, { atMs: number; samples: readonly Sample[] }>();
  let reading: Promise<void> | null = null;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;

  const isFresh = (name: string): boolean => {
    const kept = known.get(name);
    return kept !== undefined && nowMs() - kept.atMs < STORED_VALID_MS;
  };
  const readAll = async (): Promise<void> => {
    for (const gauge of gauges) {
      try {
        known.set(gauge.name, { samples: await gauge.read(), atMs: nowMs() });
      } catch (error) {
        failures += 1;
        log.warn("a number could not be read for the metrics", { gauge: gauge.name, error });
        // The others would fail the same way, each after its own time.
        return;
      }
    }
  };
  return {
    async refresh() {
      if (reading === null && nowMs() - triedAtMs >= keptMs) {
        triedAtMs = nowMs();
        reading = readAll().finally(() => {
          reading = null;
        });
      }
      if (reading === null) return;
      let late: Timer | undefined;
      const deadline = new Promise<void>((resolve) => {
        late = setTimeout(resolve, readMsMax);
      });
      await Promise.race([reading, deadline]);
      clearTimeout(late);
    },
    sources: [
      ...gauges.map(({ name, help, labels }) => ({
        name,
        help,
        labels,
        read: () => (isFresh(name) ? (known.get(name)?.samples ?? []) : []),
      })),
      {
        name: "atelier_stored_numbers_fresh",
        help: "1 while all numbers of the database on this page are young enough to be shown.",
        labels: [],
        read: () => [{ value: gauges.every(({ name }) => isFresh(name)) ? 1 : 0 }],
      },
      {
        name: "atelier_stored_numbers_failures",
        help: "Readings of the database for this page that failed since the start.",
        labels: [],
        read: () => [{ value: failures }],
      },
    ],
  };
}
