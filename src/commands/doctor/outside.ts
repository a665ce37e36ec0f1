import { lookup } from "node:dns/promises";
import { picturesLeft, providerState } from "../../features/generations/index.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import { isLoopback } from "../../platform/config/load.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { listWorkers } from "../../platform/queue/inspect.ts";
import { silentLog } from "../../platform/telemetry/log.ts";
import { isPublicAddress } from "../../providers/address-check.ts";
import { createKieClient } from "../../providers/kie/client.ts";
import { type DoctorCheck, type Finding, failed, NotExamined, ok, type Patient, warning } from "./check.ts";

const KIE_TIMEOUT_MS = 15 * SECOND_MS;
const PUBLIC_TIMEOUT_MS = 8 * SECOND_MS;
const FETCH_MS_MAX = 6 * SECOND_MS;
/** Time to top up before the guard refuses new work. */
const PICTURES_WARNING_FACTOR = 10;

/** The key works, and the account pays for pictures. Asks kie.ai itself. */
export const kieBalanceCheck: DoctorCheck = {
  name: "kie.ai balance",
  needs: ["KIE_API_KEY", "KIE_API_URL", "KIE_UPLOAD_URL", "KIE_MODEL", "PROVIDER_LOOPBACK"],
  timeoutMs: KIE_TIMEOUT_MS,
  async run(patient) {
    const { settings } = patient.checked;
    const kie = createKieClient({
      apiUrl: settings.KIE_API_URL,
      uploadUrl: settings.KIE_UPLOAD_URL,
      apiKey: settings.KIE_API_KEY,
      model: settings.KIE_MODEL,
      log: silentLog,
      loopbackAllowed: settings.PROVIDER_LOOPBACK === "allow",
    });
    let credits: number;
    try {
      credits = await kie.credits();
    } catch (error) {
      if (error instanceof ProviderFailure) return failed(`${error.message}. ${kieAdvice(error)}`);
      throw error;
    }
    const left = picturesLeft({ settings }, Math.floor(credits * 1000));
    const min = settings.KIE_PICTURES_LEFT_MIN;
    const text = `${credits} credits, enough for ${left} pictures.`;
    if (left < min) return failed(`${text} New ones are refused below ${min}: top the account up at kie.ai.`);
    if (left < min * PICTURES_WARNING_FACTOR) return warning(`${text} Top the account up at kie.ai soon.`);
    return ok(text);
  },
};

function kieAdvice(failure: ProviderFailure): string {
  if (failure.kind === "unauthorized") return "Is KIE_API_KEY right, and may this address use it?";
  if (failure.kind === "out_of_funds") return "Top the account up at kie.ai.";
  return "Does this machine reach the Internet, and does kie.ai work?";
}

/** What the workers have seen of kie.ai. */
export const breakerCheck: DoctorCheck = {
  name: "kie.ai breaker",
  needs: ["DATABASE_URL", "DATA_DIR"],
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const state = await providerState(ctx);
    if (state === null) return ok("Closed; there was no contact yet.");
    if (state.openUntil !== null && state.openUntil > ctx.clock.now()) {
      return warning(
        `Open until ${state.openUntil.toISOString()} after ${state.failures} failures in a row: new pictures are refused meanwhile. It tries again by itself.`,
      );
    }
    return ok(state.failures === 0 ? "Closed." : `Closed; ${state.failures} failures in a row so far.`);
  },
};

/** The address that links, callbacks and the Mini App use leads to this server. */
export const publicUrlCheck: DoctorCheck = {
  name: "public address",
  needs: ["PUBLIC_URL"],
  timeoutMs: PUBLIC_TIMEOUT_MS,
  async run(patient) {
    const { PUBLIC_URL: publicUrl } = patient.checked.settings;
    const url = new URL(publicUrl);
    const complaints: string[] = [];
    if (isLoopback(url.hostname)) {
      complaints.push("It means this very machine: nobody else can open the app, and kie.ai cannot call back.");
    } else {
      if (url.protocol !== "https:") complaints.push("Telegram opens https addresses only: put a TLS proxy in front.");
      complaints.push(...(await nameComplaints(url.hostname)));
    }
    const answer = await askLive(publicUrl);
    if (answer !== null) return unreachable(patient, publicUrl, answer, complaints);
    return complaints.length === 0 ? ok(`${publicUrl} answers.`) : warning(`${publicUrl} answers.`, complaints);
  },
};

/** Why the server did not answer under its address; null when it did. */
async function askLive(publicUrl: string): Promise<string | null> {
  try {
    const response = await fetch(`${publicUrl}/health/live`, {
      signal: AbortSignal.timeout(FETCH_MS_MAX),
      redirect: "manual",
    });
    const answer = (await response.json().catch(() => null)) as { status?: unknown } | null;
    if (response.status === 200 && answer?.status === "ok") return null;
    return `something else answers there (${response.status})`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** While nothing runs, nothing can answer; otherwise proxy, firewall or name are not right. */
async function unreachable(
  patient: Patient,
  url: string,
  why: string,
  complaints: readonly string[],
): Promise<Finding> {
  const text = `${url} does not lead to this server: ${why}.`;
  if (!(await serverRuns(patient))) return warning(`${text} No server runs; look again when one does.`, complaints);
  return failed(`${text} Check the DNS name, the proxy's target and the firewall.`, complaints);
}

async function serverRuns(patient: Patient): Promise<boolean> {
  try {
    const { ctx } = await patient.openWithSchema();
    return (await listWorkers(ctx)).some((worker) => worker.isAlive);
  } catch (error) {
    if (error instanceof NotExamined) return false;
    throw error;
  }
}

async function nameComplaints(hostname: string): Promise<string[]> {
  const host = hostname.replace(/^\[|\]$/g, "");
  try {
    const addresses = await lookup(host, { all: true });
    const inner = addresses.filter(({ address }) => !isPublicAddress(address)).map(({ address }) => address);
    if (inner.length === 0) return [];
    return [`${host} means ${inner.join(", ")} here, which the outside world cannot reach.`];
  } catch {
    return [`The name ${host} is not known to DNS.`];
  }
}
