import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { buildInfo } from "../../build/build-info.ts";
import type { GaugeSource } from "./gauge.ts";
import { processGauges, watchEventLoop } from "./process-gauges.ts";

/** What is counted while it happens, and the page that Prometheus reads. */
export interface Meters {
  request(method: string, route: string, status: number, seconds: number): void;
  /** `outcome`: done, later, failed, given_up, lost. */
  job(kind: string, outcome: string, seconds: number): void;
  jobParked(kind: string): void;
  /** `outcome`: ok, a kind of failure, or error. */
  providerCall(call: ProviderCallSeen): void;
  paymentEnded(status: string): void;
  /** `outcome`: committed, rolled_back, failed. */
  transaction(outcome: string, seconds: number): void;
  addGauge(source: GaugeSource): void;
  readonly contentType: string;
  /** The whole page in Prometheus' text format. */
  page(): Promise<string>;
  /** Every metric by its name, for the test of the dashboard. */
  names(): string[];
  stop(): void;
}

export interface ProviderCallSeen {
  provider: string;
  operation: string;
  outcome: string;
  seconds: number;
  retries: number;
}

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const JOB_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const CALL_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];
const TRANSACTION_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Makes the meters of this process; `role` stands in `atelier_build_info`. */
export function createMeters(role: string): Meters {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `atelier_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name: `atelier_${name}`, help, labelNames, buckets, registers });

  const requests = counter("http_requests_total", "Answered requests.", ["method", "route", "status"]);
  const requestSeconds = histogram(
    "http_request_duration_seconds",
    "From a request's arrival to its answer; bodies that are streamed not counted.",
    ["method", "route"],
    REQUEST_SECONDS,
  );
  const jobs = counter("jobs_total", "Runs of jobs by how they ended.", ["kind", "outcome"]);
  const jobSeconds = histogram("job_duration_seconds", "Runs of jobs.", ["kind"], JOB_SECONDS);
  const parked = counter("jobs_parked_total", "Jobs set aside for an operator by this process.", ["kind"]);
  const calls = counter("provider_calls_total", "Calls to providers, each with all its tries.", [
    "provider",
    "operation",
    "outcome",
  ]);
  const callSeconds = histogram(
    "provider_call_duration_seconds",
    "Calls to providers, with all tries and the waits between them.",
    ["provider", "operation"],
    CALL_SECONDS,
  );
  const retries = counter("provider_retries_total", "Tries after the first one.", ["provider", "operation"]);
  const payments = counter("payments_ended_total", "Payments that this process saw end.", ["status"]);
  const transactions = histogram(
    "database_transaction_duration_seconds",
    "Transactions of the database, waiting for their turn included.",
    ["outcome"],
    TRANSACTION_SECONDS,
  );
  const lag = histogram("event_loop_lag_seconds", "How late a timer of this process fires.", [], TRANSACTION_SECONDS);
  const stopWatching = watchEventLoop((seconds) => lag.observe(seconds));

  const meters: Meters = {
    request(method, route, status, seconds) {
      const word = METHODS.has(method) ? method : "OTHER";
      requests.inc({ method: word, route, status });
      requestSeconds.observe({ method: word, route }, seconds);
    },
    job(kind, outcome, seconds) {
      jobs.inc({ kind, outcome });
      jobSeconds.observe({ kind }, seconds);
    },
    jobParked: (kind) => parked.inc({ kind }),
    providerCall({ provider, operation, outcome, seconds, retries: again }) {
      calls.inc({ provider, operation, outcome });
      callSeconds.observe({ provider, operation }, seconds);
      // Also where there is none, so that the series begins at 0 and the first retry is seen as a rise.
      retries.inc({ provider, operation }, again);
    },
    paymentEnded: (status) => payments.inc({ status }),
    transaction: (outcome, seconds) => transactions.observe({ outcome }, seconds),
    addGauge({ name, help, labels, read }) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          this.reset();
          // A gauge without labels begins at 0 by itself, which would be a lie where nothing is known.
          if (labels.length === 0) this.remove();
          for (const sample of read()) this.set(sample.labels ?? {}, sample.value);
        },
      });
    },
    contentType: registry.contentType,
    page: () => registry.metrics(),
    names: () => registry.getMetricsAsArray().map((metric) => metric.name),
    stop: stopWatching,
  };
  meters.addGauge({
    name: "atelier_build_info",
    help: "Always 1; what is running stands in the labels.",
    labels: ["version", "commit", "role"],
    read: () => [{ labels: { version: buildInfo.version, commit: buildInfo.commit, role }, value: 1 }],
  });
  for (const gauge of processGauges()) meters.addGauge(gauge);
  return meters;
}
