import { SECOND_MS } from "../clock.ts";
import type { GaugeSource } from "./gauge.ts";

const LAG_PROBE_MS = 200;
const MICROSECONDS_PER_SECOND = 1_000_000;

/** What this process uses of the machine, under the names that every Prometheus dashboard knows. */
export function processGauges(): GaugeSource[] {
  const startedAtSeconds = Date.now() / SECOND_MS - process.uptime();
  const gauge = (name: string, help: string, read: () => number): GaugeSource => ({
    name,
    help,
    labels: [],
    read: () => [{ value: read() }],
  });
  return [
    gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss()),
    gauge("process_heap_used_bytes", "Memory of its objects.", () => process.memoryUsage().heapUsed),
    gauge("process_cpu_seconds", "Processor time that the process has used.", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / MICROSECONDS_PER_SECOND;
    }),
    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", () => startedAtSeconds),
  ];
}

/** Tells `seen` several times a second by how many seconds a timer came late. Returns what ends it. */
export function watchEventLoop(seen: (seconds: number) => void): () => void {
  let expectedAt = performance.now() + LAG_PROBE_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    seen(Math.max(0, now - expectedAt) / SECOND_MS);
    expectedAt = now + LAG_PROBE_MS;
  }, LAG_PROBE_MS);
  timer.unref();
  return () => clearInterval(timer);
}
