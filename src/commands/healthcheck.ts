import { SECOND_MS } from "../platform/clock.ts";
import { processEnvironment } from "../platform/config/environment.ts";
import { checkSettings } from "../platform/config/load.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, readArguments } from "./command.ts";

const USAGE = "Usage: atelier healthcheck [--metrics | --url <address>]";
const READY_PATH = "/health/ready";
/** Below the five seconds that Docker waits for the command. */
const TIMEOUT_MS = 4 * SECOND_MS;
/** Addresses that mean "all of this machine" to a listener and nothing to a caller. */
const EVERY_ADDRESS = ["0.0.0.0", "::", "[::]"];

export const healthcheckCommand: Command = {
  name: "healthcheck",
  summary: "ask a running server whether it is ready",
  help: `${USAGE}

  --metrics   ask the listener of METRICS_PORT instead: every role has it, workers and schedulers too
  --url       the server's address; default: this machine at PORT

Asks ${READY_PATH} and ends with 0 when the server can do its work, with 1 when it cannot or does not answer. Docker's
HEALTHCHECK runs it.

Examples:
  atelier healthcheck
  atelier healthcheck --metrics
  atelier healthcheck --url https://app.example.org`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { url: "string", metrics: "boolean" } });
    if (values.url !== undefined && values.metrics) throw new OperatorError(`--metrics or --url, not both.\n${USAGE}`);
    const url = values.url === undefined ? ownUrl(values.metrics === true) : urlFrom(values.url);
    const { isReady, text } = await ask(url);
    print(`${isReady ? "ready" : "not ready"}: ${url} ${text}`);
    return isReady ? 0 : 1;
  },
};

async function ask(url: string): Promise<{ isReady: boolean; text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "manual" });
    const answer = (await response.json()) as { status?: unknown; checks?: Record<string, string> };
    const isReady = response.status === 200 && answer.status === "ready";
    const failed = Object.entries(answer.checks ?? {}).filter(([, outcome]) => outcome !== "ok");
    const names = failed.map(([name]) => name).join(", ");
    return { isReady, text: `answers ${response.status}${names === "" ? "" : ` (failed: ${names})`}` };
  } catch (error) {
    return { isReady: false, text: `does not answer as a server of ours would (${(error as Error).message})` };
  }
}

/** Wrong settings elsewhere do not matter here: the server has said so already. */
function ownUrl(ofMetrics: boolean): string {
  const { settings } = checkSettings(processEnvironment, { serving: false });
  if (ofMetrics && settings.METRICS_PORT === 0)
    throw new OperatorError("METRICS_PORT is not set: there is no such listener.");
  const [listening, port] = ofMetrics ? [settings.METRICS_HOST, settings.METRICS_PORT] : [settings.HOST, settings.PORT];
  const host = EVERY_ADDRESS.includes(listening) ? "127.0.0.1" : listening;
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}${READY_PATH}`;
}

function urlFrom(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new OperatorError(`--url must be an address such as http://127.0.0.1:3000, not "${text}".`);
  }
  if (url.pathname === "/") url.pathname = READY_PATH;
  return url.toString();
}
