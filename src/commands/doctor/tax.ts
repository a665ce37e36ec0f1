import { metersAt, readDesk, type TaxBacklog, taxBacklog } from "../../features/billing/index.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { meterText } from "../tax.ts";
import { type DoctorCheck, type Finding, failed, ok, warning } from "./check.ts";

/** A login and a question, each tried for ten seconds. */
const TIMEOUT_MS = 25 * SECOND_MS;
const METER_PERCENT_WARNING = 80;

/** What waits to be registered, and where that is switched on whether the login works. Asks the cabinet itself. */
export const taxServiceCheck: DoctorCheck = {
  name: "tax service",
  needs: ["MY_TAX_INN", "MY_TAX_PASSWORD", "MY_TAX_API_URL", "PROVIDER_LOOPBACK", "DATABASE_URL", "DATA_DIR"],
  timeoutMs: TIMEOUT_MS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const service = ctx.taxService;
    const backlog = await taxBacklog(ctx, service?.isReal ?? false);
    if (service === null) return byHand(backlog);
    const lines = waiting(backlog);
    const desk = await readDesk(ctx, service.name);
    // A refused login is not tried again here either.
    if (desk?.stopped && desk.stoppedFor === service.fingerprint()) {
      const advice = "Mend MY_TAX_PASSWORD, or what the owner alert says, then: atelier tax resume";
      return failed(`Stopped (${desk.stopped}): nothing is registered. ${advice}`, lines);
    }
    try {
      await service.check();
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const isLogin = error.kind === "unauthorized";
      const advice = isLogin
        ? "Are MY_TAX_INN and MY_TAX_PASSWORD right?"
        : "It answers Russian addresses only, and rests at night; what waits is sent later.";
      return isLogin ? failed(`${error.message}. ${advice}`, lines) : warning(`${error.message}. ${advice}`, lines);
    }
    if (backlog.aside > 0) return warning("The login works, and some entries need you.", lines);
    return ok(`The login works; ${total(backlog)} entries wait.`, lines);
  },
};

/** The year's income and the month's takings against their limits. */
export const metersCheck: DoctorCheck = {
  name: "limits",
  needs: ["DATABASE_URL", "DATA_DIR", "YOOKASSA_MONTH_LIMIT_ROUBLES"],
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const meters = await metersAt(ctx, ctx.clock.now());
    const isHigh = meters.some(({ percent }) => percent >= METER_PERCENT_WARNING);
    const lines = meters.map(meterText);
    return isHigh ? warning("A limit comes near, or is passed:", lines) : ok("Far from both limits.", lines);
  },
};

function byHand(backlog: TaxBacklog): Finding {
  const count = total(backlog) + backlog.aside;
  const off = "Switched off: MY_TAX_INN and MY_TAX_PASSWORD are not set.";
  if (count === 0) return ok(`${off} Nothing waits to be registered by hand.`);
  return ok(`${off} ${count} entries wait to be registered by hand: atelier tax export`, waiting(backlog));
}

function total({ ready, unknown, annul }: TaxBacklog): number {
  return ready + unknown + annul;
}

function waiting({ ready, unknown, annul, aside, test }: TaxBacklog): string[] {
  const lines: [number, string][] = [
    [ready, "to be registered"],
    [unknown, "sent without an answer, to be looked up"],
    [annul, "to be annulled"],
    [aside, "lie aside for you (see owner alerts): atelier tax mark, or atelier tax resume"],
    [test, "of a test shop, which are not registered"],
  ];
  return lines.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}
