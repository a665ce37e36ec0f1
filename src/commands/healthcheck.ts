import { readFileSync } from "node:fs";
import { after, MINUTE_MS, SECOND_MS } from "../platform/clock.ts";
import { processEnvironment } from "../platform/config/environment.ts";
import { checkSettings } from "../platform/config/load.ts";
import { OperatorError } from "../platform/errors.ts";
import { lastSlotAt } from "../platform/queue/cron.ts";
import { listWorkers } from "../platform/queue/inspect.ts";
import { processIdentity } from "../platform/queue/rescue.ts";
import { ROLES, type Role } from "../roles/all.ts";
import { type Command, oneOfFrom, print, readArguments, withContext } from "./command.ts";

const USAGE = "Usage: atelier healthcheck [--url <address>] [--role <role>]";
const READY_PATH = "/health/ready";
/** Below the five seconds that Docker waits for the command. */
const TIMEOUT_MS = 4 * SECOND_MS;
/** The most frequent recurring jobs have a slot every ten seconds. */
const SLOT_MS_MAX = 2 * MINUTE_MS;
/** Addresses that mean "all of this machine" to a listener and nothing to a caller. */
const EVERY_ADDRESS = ["0.0.0.0", "::", "[::]"];

export const healthcheckCommand: Command = {
  name: "healthcheck",
  summary: "ask a running server whether it is ready",
  help: `${USAGE}

  --url   the server's address; default: this machine at PORT
  --role  ${ROLES.join(", ")}: what runs here. Default: the role that process 1 was started with, which in a container is
          the server itself; otherwise all

Ends with 0 when the server can do its work, with 1 when it cannot or does not answer. One with an API is asked at
${READY_PATH}. A worker has no port: its heartbeat is looked for in the database, and a scheduler's last slot.
Docker's HEALTHCHECK runs it.

Examples:
  atelier healthcheck
  atelier healthcheck --role worker
  atelier healthcheck --url https://app.example.org`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { url: "string", role: "string" } });
    const role = values.role === undefined ? roleOfProcessOne() : oneOfFrom(values.role, "--role", ROLES);
    const { isReady, text } = await within(answerOf(role, values.url));
    print(`${isReady ? "ready" : "not ready"}: ${text}`);
    return isReady ? 0 : 1;
  },
};

interface Answer {
  isReady: boolean;
  text: string;
}

function answerOf(role: Role, url: string | undefined): Promise<Answer> {
  if (url === undefined && role === "worker") return askWorker();
  if (url === undefined && role === "scheduler") return askScheduler();
  return ask(url === undefined ? ownUrl() : urlFrom(url));
}

/** Whoever waits for the answer kills after its own time, without a word. */
async function within(answer: Promise<Answer>): Promise<Answer> {
  const late = Bun.sleep(TIMEOUT_MS).then(() => ({ isReady: false, text: `no answer within ${TIMEOUT_MS} ms` }));
  return Promise.race([answer, late]);
}

/** The worker of this machine, which in a container is the container. */
async function askWorker(): Promise<Answer> {
  const here = processIdentity().hostname;
  const workers = await withContext((ctx) => listWorkers(ctx));
  const own = workers.filter((worker) => worker.hostname === here);
  const alive = own.find((worker) => worker.isAlive);
  if (alive) return { isReady: true, text: `a worker runs here, with ${alive.jobsInHand} jobs in hand` };
  const silent = own.length === 0 ? "none has signed in" : "its heartbeat has stopped";
  return { isReady: false, text: `no worker runs here: ${silent}` };
}

/** Any scheduler does the work of all, so what counts is that one does. */
async function askScheduler(): Promise<Answer> {
  return withContext(async (ctx) => {
    const lastSlot = await lastSlotAt(ctx);
    const isReady = lastSlot !== null && lastSlot > after(ctx.clock.now(), -SLOT_MS_MAX);
    return {
      isReady,
      text: `recurring jobs were last put into the queue at ${lastSlot?.toISOString() ?? "no time yet"}`,
    };
  });
}

/** In a container process 1 is the server itself, or an init such as that of `docker run --init` with the server's words. */
function roleOfProcessOne(): Role {
  return roleIn(wordsOfProcessOne());
}

/** The role that a command line starts our server in; `all` for every other command line. */
export function roleIn(words: readonly string[]): Role {
  const serve = words.indexOf("serve");
  const isOurs = /(^|\/)atelier$/.test(words[serve - 1] ?? "");
  if (!isOurs) return "all";
  const place = words.findIndex((word, at) => at > serve && /^--role(=|$)/.test(word));
  const named = words[place]?.includes("=") ? words[place]?.slice("--role=".length) : words[place + 1];
  return place < 0 ? "all" : (ROLES.find((role) => role === named) ?? "all");
}

function wordsOfProcessOne(): string[] {
  try {
    return readFileSync("/proc/1/cmdline", "utf8").split("\0");
  } catch {
    return [];
  }
}

async function ask(url: string): Promise<Answer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "manual" });
    const answer = (await response.json()) as { status?: unknown; checks?: Record<string, string> };
    const isReady = response.status === 200 && answer.status === "ready";
    const failed = Object.entries(answer.checks ?? {}).filter(([, outcome]) => outcome !== "ok");
    const names = failed.map(([name]) => name).join(", ");
    return { isReady, text: `${url} answers ${response.status}${names === "" ? "" : ` (failed: ${names})`}` };
  } catch (error) {
    return { isReady: false, text: `${url} does not answer as a server of ours would (${(error as Error).message})` };
  }
}

/** Wrong settings elsewhere do not matter here: the server has said so already. */
function ownUrl(): string {
  const { settings } = checkSettings(processEnvironment, { serving: false });
  const host = EVERY_ADDRESS.includes(settings.HOST) ? "127.0.0.1" : settings.HOST;
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${settings.PORT}${READY_PATH}`;
}

function urlFrom(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new OperatorError(`--url must be an address such as http://127.0.0.1:3000, not "${text}".`);
  }
  if (url.pathname === "/") url.pathname = READY_PATH;
  return url.toString();
}
