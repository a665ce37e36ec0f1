import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { sleep } from "bun";
import { freePort } from "./free-port.ts";

/** A shop that a measurement runs on: the compiled program with its emulators, spoken to over HTTP only. */

export const PROGRAM = join(import.meta.dir, "../dist/atelier");
const READY_DEADLINE_MS = 60_000;
const POLL_MS = 50;
/** A server that does not answer must not hold up a measurement for ever. */
const CALL_DEADLINE_MS = 30_000;
/** People who come to measure are others than the seeded ones, and in each run others than before. */
const VISITORS_FROM = 900_000_000;
export const OWNER_TELEGRAM_ID = 777;

export type Fields = Record<string, unknown>;

export interface Visitor {
  id: string;
  telegramId: number;
  /** For callers of their own. */
  token: string;
  refreshToken: string;
  call(method: string, path: string, body?: Fields | FormData): Promise<Response>;
  /** The same, for an answer that must be good. */
  ask(method: string, path: string, body?: Fields | FormData): Promise<Fields>;
}

export interface Shop {
  base: string;
  /** The server's process. */
  processId: number;
  /** What it was started with. */
  environment: Readonly<Record<string, string>>;
  owner: Visitor;
  /** Somebody who has not been here. */
  visitor(): Promise<Visitor>;
  /** Somebody who is known already. */
  signIn(telegramId: number): Promise<Visitor>;
  /** What Telegram hands to the Mini App when this person opens it. */
  launchData(telegramId: number): Promise<string>;
  /** The person begins the chat with the bot. */
  pressStart(telegramId: number): Promise<void>;
  /** What a command of the program prints, run beside the server. */
  run(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Where the program's own settings end and the caller's begin: the database and the data folder. */
export async function openShop(
  environment: Record<string, string>,
  { role = "all", limits = "off" }: { role?: "all" | "api"; limits?: "on" | "off" } = {},
): Promise<Shop> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  // The emulators are told where the server will be: their notices and callbacks go there.
  const sandbox = Bun.spawn([PROGRAM, "sandbox", "--port", "0"], {
    env: { ...environment, PORT: String(port), PUBLIC_URL: base },
    stdout: "pipe",
    stderr: "inherit",
  });
  const { settings, pages } = await readSandbox(sandbox.stdout);
  const env = {
    ...settings,
    ...environment,
    PORT: String(port),
    PUBLIC_URL: base,
    ADMIN_TELEGRAM_IDS: String(OWNER_TELEGRAM_ID),
    RATE_LIMITS: limits,
    LOG_LEVEL: "error",
  };
  const server = Bun.spawn([PROGRAM, "serve", "--role", role], { env, stdout: "ignore", stderr: "inherit" });
  await settled(
    async () => (await fetch(`${base}/health/ready`).catch(() => null))?.ok === true,
    "the server is ready",
  );
  let visitors = VISITORS_FROM + (Math.floor(Date.now() / 1000) % 1_000_000) * 100;
  const comeIn = (telegramId: number) => signIn(base, pages, telegramId);
  return {
    base,
    processId: server.pid,
    environment: env,
    owner: await comeIn(OWNER_TELEGRAM_ID),
    visitor: () => comeIn(visitors++),
    signIn: comeIn,
    launchData: (telegramId) => launchData(pages, telegramId),
    async pressStart(telegramId) {
      const pressed = new URLSearchParams({ act: "start" });
      await fetch(`${pages}/telegram/chat/${telegramId}`, { method: "POST", body: pressed, redirect: "manual" });
    },
    async run(...words) {
      const command = Bun.spawn([PROGRAM, ...words], { env, stdout: "pipe", stderr: "pipe" });
      const [printed, complaint] = await Promise.all([textOf(command.stdout), textOf(command.stderr)]);
      if ((await command.exited) !== 0) throw new Error(`atelier ${words.join(" ")}: ${complaint}`);
      return printed;
    },
    async stop() {
      for (const child of [server, sandbox]) {
        child.kill("SIGTERM");
        await child.exited;
      }
    },
  };
}

const textOf = (output: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(output).text();

/** Waits until `holds`; throws a sentence that names what was waited for. */
export async function settled(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await sleep(POLL_MS);
  }
}

async function readSandbox(output: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  let printed = "";
  for await (const piece of output) {
    printed += decoder.decode(piece, { stream: true });
    if (printed.includes("# Ctrl+C")) break;
  }
  const settings = Object.fromEntries(
    [...printed.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  const pages = /http:\/\/127\.0\.0\.1:\d+\/sandbox/.exec(printed)?.[0];
  if (pages === undefined) throw new Error(`The sandbox did not say where it is:\n${printed}`);
  // Sales wait for the owner's hand; otherwise the connector would be at work on a million of them.
  for (const name of ["MY_TAX_INN", "MY_TAX_PASSWORD", "MY_TAX_API_URL"]) delete settings[name];
  return { settings: settings as Record<string, string>, pages };
}

async function launchData(pages: string, telegramId: number): Promise<string> {
  const launch = await fetch(`${pages}/init-data?telegram_id=${telegramId}`);
  return ((await launch.json()) as { init_data: string }).init_data;
}

async function signIn(base: string, pages: string, telegramId: number): Promise<Visitor> {
  const init_data = await launchData(pages, telegramId);
  const answer = await fetch(`${base}/api/v1/auth/telegram`, {
    method: "POST",
    headers: { authorization: `tma ${init_data}` },
  });
  if (!answer.ok) throw new Error(`the sign-in of ${telegramId} answered ${answer.status}: ${await answer.text()}`);
  const { access_token, refresh_token, user } = (await answer.json()) as {
    access_token: string;
    refresh_token: string;
    user: { id: string };
  };
  const call: Visitor["call"] = (method, path, body) => {
    const isForm = body instanceof FormData;
    return fetch(`${base}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(CALL_DEADLINE_MS),
      headers: {
        authorization: `Bearer ${access_token}`,
        "idempotency-key": randomBytes(16).toString("hex"),
        ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
  };
  return {
    id: user.id,
    telegramId,
    token: access_token,
    refreshToken: refresh_token,
    call,
    async ask(method, path, body) {
      const response = await call(method, path, body);
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as Fields;
    },
  };
}
