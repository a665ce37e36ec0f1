import { BunClient, makeFetchTransport } from "@sentry/bun";
import { buildInfo } from "../../build/build-info.ts";
import { MINUTE_MS } from "../clock.ts";
import { ProviderFailure } from "../errors.ts";
import { allowedEvent, framesOf, nameOf } from "./fault-event.ts";
import { FLUSH_MS_MAX, flushInTime } from "./flush.ts";
import type { Log } from "./log.ts";
import { currentScope } from "./scope.ts";

/** Something that a developer or the owner has to look at. */
export interface Fault {
  /** Words of ours, the same each time, such as "a job was parked". */
  what: string;
  /** Its name and stack are sent; its message is not, because it may hold anything. */
  error?: unknown;
  /** Both come from the scope where they are not given. */
  requestId?: string | null;
  jobKind?: string;
}

/** Sends bugs to Sentry, each once. Nothing waits for it. */
export interface FaultReports {
  report(fault: Fault): void;
  /** Sends what waits, for `FLUSH_MS_MAX` at most. */
  stop(): Promise<void>;
}

export interface FaultReportOptions {
  dsn: string;
  environment: string;
  role: string;
  log: Log;
}

/** A fault that comes with every request must use up neither the network nor the plan at Sentry. */
const REPORTS_PER_MINUTE_MAX = 30;
/** A refused key fails each call until somebody acts; once an hour says so often enough. */
const SAME_ALERT_MS = 60 * MINUTE_MS;
/** Reports on their way at once; further ones are dropped. */
const WAITING_MAX = 30;

/** Starts reporting. The client is made by hand: nothing of the program is patched, watched or collected. */
export function startFaultReports(options: FaultReportOptions): FaultReports {
  const client = new BunClient({
    dsn: options.dsn,
    environment: options.environment,
    release: `atelier@${buildInfo.version}+${buildInfo.commit}`,
    integrations: [],
    transport: makeFetchTransport,
    transportOptions: { bufferSize: WAITING_MAX },
    stackParser: () => [],
    sendClientReports: false,
    maxBreadcrumbs: 0,
    beforeSend: (event) => allowedEvent(event),
  });
  client.init();
  const reported = new WeakSet<object>();
  const alertedAt = new Map<string, number>();
  let minute = { startedAt: performance.now(), reports: 0 };

  const isDue = (error: unknown): boolean => {
    const now = performance.now();
    if (typeof error === "object" && error !== null) {
      if (reported.has(error)) return false;
      reported.add(error);
    }
    if (error instanceof ProviderFailure && error.alert) {
      const alert = `${error.provider} ${error.kind}`;
      if (now - (alertedAt.get(alert) ?? Number.NEGATIVE_INFINITY) < SAME_ALERT_MS) return false;
      alertedAt.set(alert, now);
    }
    if (now - minute.startedAt >= MINUTE_MS) minute = { startedAt: now, reports: 0 };
    minute.reports += 1;
    if (minute.reports === REPORTS_PER_MINUTE_MAX + 1) options.log.warn("too many faults: the rest is not reported");
    return minute.reports <= REPORTS_PER_MINUTE_MAX;
  };

  return {
    report(fault) {
      if (!isDue(fault.error)) return;
      const scope = currentScope();
      const type = nameOf(fault.error);
      const frames = framesOf(fault.error);
      const tags = {
        role: options.role,
        request_id: (fault.requestId ?? scope?.requestId) || undefined,
        route: scope?.route,
        job_kind: fault.jobKind ?? scope?.jobKind,
        ...(fault.error instanceof ProviderFailure
          ? { provider: fault.error.provider, failure: fault.error.kind }
          : {}),
      };
      const top = frames.at(-1);
      client.captureEvent({
        level: "error",
        tags,
        fingerprint: [fault.what, type, tags.provider ?? "", tags.failure ?? "", top?.function ?? tags.job_kind ?? ""],
        exception: { values: [{ type, value: fault.what, ...(frames.length > 0 ? { stacktrace: { frames } } : {}) }] },
      });
    },
    async stop() {
      // The client's own limit counts from the moment when its queue is asked, and a runtime's fetch may ignore it.
      await flushInTime(client.close(FLUSH_MS_MAX));
    },
  };
}
