import { openContext } from "../../src/context.ts";
import { findPayment, refundPayment, taxBacklog } from "../../src/features/billing/index.ts";
import { fileTaxes } from "../../src/features/billing/tax/tax-connector.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import type { TaxService } from "../../src/providers/tax-service.ts";
import { withKillPoints } from "./kill-points.ts";

/**
 * The connector takes one sale to the tax service; a part of the sale is given back; the connector follows. The process kills
 * itself when the point `killAt` is reached; with 0 it runs to its end and prints how many there are. Its clock is the
 * emulator's, which a process put forward that was killed before.
 */
interface Input {
  environment: Record<string, string>;
  emulator: string;
  paymentId: string;
  killAt: number;
}

const ROUNDS_MAX = 40;
const ROUND_MS = 60_000;

const input = JSON.parse(process.argv[2] ?? "") as Input;
const stats = (await (await fetch(`${input.emulator}/_stats`)).json()) as { now: string };
let aheadMs = Date.parse(stats.now) - Date.now();
const environment = new Map<string, EnvironmentValue>(
  Object.entries(input.environment).map(([name, value]) => [name, { value, source: "environment" }]),
);
const { settings } = loadSettings(environment, { serving: true });
const open = await openContext(settings, {
  log: silentLog,
  clock: { now: () => new Date(Date.now() + aheadMs) },
});
let points = 0;
const point = (): void => {
  points += 1;
  if (points === input.killAt) process.kill(process.pid, "SIGKILL");
};
const counted = withKillPoints(open, point);
const ctx = { ...counted, taxService: open.ctx.taxService && countedService(open.ctx.taxService) };

await fileUntilDone();
const payment = await findPayment(ctx, input.paymentId);
if (payment) await refundPayment(ctx, { payment, amountKopecks: 13_300, reason: "a third", key: "owner-1" });
await fileUntilDone();
process.stdout.write(`points ${points}\n`);
await open.close();
process.exit(0);

/** As the schedule does, once a minute, until nothing waits. The desk of a process that died is free after a while. */
async function fileUntilDone(): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const { ready, unknown, annul, aside } = await taxBacklog(open.ctx, false);
    if (ready + unknown + annul + aside === 0) return;
    aheadMs += ROUND_MS;
    await fetch(`${input.emulator}/_clock`, { method: "POST", body: JSON.stringify({ advance_ms: ROUND_MS }) });
    await enqueue(open.ctx, "tax.file", {});
    for (const job of await claim(open.ctx, newId(), ["tax.file"], 1)) await fileTaxes(ctx, job);
  }
  throw new Error("the journal did not come to rest");
}

/** Counts the moments before and after every call. */
function countedService(service: TaxService): TaxService {
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    point();
    const result = await call();
    point();
    return result;
  };
  return {
    ...service,
    register: (sale) => around(() => service.register(sale)),
    find: (sale, sentAt) => around(() => service.find(sale, sentAt)),
    annul: (number, reason) => around(() => service.annul(number, reason)),
    read: (number) => around(() => service.read(number)),
  };
}
