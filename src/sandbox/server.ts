import { DAY_MS, SECOND_MS, systemClock } from "../platform/clock.ts";
import type { Environment, EnvironmentValue } from "../platform/config/environment.ts";
import { OperatorError } from "../platform/errors.ts";
import { createImages, type Images } from "../platform/images/index.ts";
import { signInitData } from "./init-data.ts";
import { type KieEmulator, startKieEmulator } from "./kie.ts";
import { type LknpdEmulator, startLknpdEmulator } from "./lknpd.ts";
import { type OpenRouterEmulator, startOpenRouterEmulator } from "./openrouter.ts";
import { SAMPLES } from "./samples.ts";
import { type ShiftedClock, shiftedClock } from "./shifted-clock.ts";
import { startTelegramEmulator, type TelegramEmulator } from "./telegram.ts";
import { startYooKassaEmulator, type YooKassaEmulator } from "./yookassa.ts";

/** The bot that signs people in while no real one is there. Everybody knows its token: it opens nothing but a sandbox. */
export const SANDBOX_BOT_TOKEN = "1000000001:SANDBOX_bot_token_that_opens_nothing_real";
/** Keys that mean a real account; beside them the sandbox would be a trap. */
const REAL_KEYS = [
  "TELEGRAM_BOT_TOKEN",
  "TELEGRAM_WEBHOOK_SECRET",
  "KIE_API_KEY",
  "KIE_WEBHOOK_KEY",
  "OPENROUTER_API_KEY",
  "YOOKASSA_SHOP_ID",
  "YOOKASSA_SECRET_KEY",
  "MY_TAX_INN",
  "MY_TAX_PASSWORD",
];
/** What may be chosen beside the sandbox; everything else that it needs, it fills in itself. */
const CHOOSABLE: ReadonlySet<string> = new Set(["PUBLIC_URL", "YOOKASSA_AUTOPAYMENTS"]);
const SANDBOX_APP_NAME = "app";
const SANDBOX_WEBHOOK_SECRET = "sandbox-updates-open-nothing-but-a-sandbox";
const IMAGE_CONCURRENCY = 2;
/** A clock that is put forward by much more shows nothing that this does not. */
const ADVANCE_SECONDS_MAX = (400 * DAY_MS) / SECOND_MS;

/** Of what a page sends to its emulator. */
const PASSED_ON_BYTES_MAX = 16 * 1024 * 1024;

export interface SandboxOptions {
  environment: Environment;
  /** From create to end of one picture at the emulator. */
  taskMs?: number;
  /** Where `handle` is served, if not by the server at PUBLIC_URL itself: the pay pages lie there. */
  pagesUrl?: string;
}

export interface RunningSandbox {
  /** The given environment with everything filled in that the server needs. */
  environment: Environment;
  images: Images;
  /** The time of server and emulators alike; it can be put forward, so that a month passes in a moment. */
  clock: ShiftedClock;
  kie: KieEmulator;
  openRouter: OpenRouterEmulator;
  yooKassa: YooKassaEmulator;
  telegram: TelegramEmulator;
  lknpd: LknpdEmulator;
  /** Answers what lies below `/sandbox/` on the server's own port. */
  handle(request: Request): Promise<Response>;
  stop(): Promise<void>;
}

/**
 * Starts the emulators on loopback and fills in keys and addresses, so that the server can be tried with no account
 * anywhere. Throws an `OperatorError` when keys of a real account are set.
 */
export async function startSandbox(options: SandboxOptions): Promise<RunningSandbox> {
  const real = REAL_KEYS.filter((name) => options.environment.has(name));
  if (real.length > 0) {
    throw new OperatorError(
      `--sandbox plays the providers itself and refuses to start beside real keys. Unset ${real.join(", ")}, or leave --sandbox out.`,
    );
  }
  const images = createImages({ concurrency: IMAGE_CONCURRENCY });
  const clock = shiftedClock(systemClock);
  const kie = await startKieEmulator({
    images,
    clock,
    ...(options.taskMs === undefined ? {} : { taskMs: options.taskMs }),
  });
  const openRouter = await startOpenRouterEmulator({ clock });
  const port = options.environment.get("PORT")?.value ?? "3000";
  const publicUrl = options.environment.get("PUBLIC_URL")?.value ?? `http://127.0.0.1:${port}`;
  const yooKassa = await startYooKassaEmulator({
    clock,
    webhookUrl: `http://127.0.0.1:${port}/api/v1/payments/webhook`,
    publicUrl: `${options.pagesUrl ?? publicUrl}/sandbox/yookassa`,
  });
  const telegram = await startTelegramEmulator({ clock, botToken: SANDBOX_BOT_TOKEN, appUrl: `${publicUrl}/` });
  telegram.setMenuButton({ text: "Открыть", url: `${publicUrl}/` });
  telegram.setWebhook({
    url: `http://127.0.0.1:${port}/api/v1/telegram/webhook`,
    secretToken: SANDBOX_WEBHOOK_SECRET,
  });
  const lknpd = await startLknpdEmulator({ clock });
  const filled: Record<string, string> = {
    PUBLIC_URL: publicUrl,
    JWT_SECRET: "sandbox-access-tokens-open-nothing-but-a-sandbox",
    LINK_SECRET: "sandbox-links-open-nothing-but-a-sandbox-picture",
    TELEGRAM_BOT_TOKEN: SANDBOX_BOT_TOKEN,
    TELEGRAM_BOT_NAME: telegram.botName,
    TELEGRAM_APP_NAME: SANDBOX_APP_NAME,
    TELEGRAM_API_URL: telegram.url,
    TELEGRAM_WEBHOOK_SECRET: SANDBOX_WEBHOOK_SECRET,
    KIE_API_KEY: kie.apiKey,
    KIE_API_URL: kie.url,
    KIE_UPLOAD_URL: kie.uploadUrl,
    KIE_RESULT_HOSTS: kie.resultHost,
    OPENROUTER_API_KEY: openRouter.apiKey,
    OPENROUTER_API_URL: openRouter.apiUrl,
    YOOKASSA_SHOP_ID: yooKassa.shopId,
    YOOKASSA_SECRET_KEY: yooKassa.secretKey,
    YOOKASSA_API_URL: yooKassa.url,
    YOOKASSA_AUTOPAYMENTS: "on",
    MY_TAX_INN: lknpd.inn,
    MY_TAX_PASSWORD: lknpd.password,
    MY_TAX_API_URL: lknpd.url,
    PROVIDER_LOOPBACK: "allow",
  };
  const environment = new Map<string, EnvironmentValue>(options.environment);
  for (const [name, value] of Object.entries(filled)) {
    if (CHOOSABLE.has(name) && environment.has(name)) continue;
    environment.set(name, { value, source: "sandbox" });
  }
  const emulators = {
    kie: kie.url,
    openrouter: openRouter.url,
    yookassa: yooKassa.origin,
    telegram: telegram.url,
    lknpd: lknpd.origin,
  };
  return {
    environment,
    images,
    clock,
    kie,
    openRouter,
    yooKassa,
    handle: (request) => handle(request, { emulators, clock, yooKassa }),
    telegram,
    lknpd,
    async stop() {
      await Promise.all([kie.stop(), openRouter.stop(), yooKassa.stop(), telegram.stop(), lknpd.stop()]);
    },
  };
}

interface Pages {
  emulators: Readonly<Record<string, string>>;
  clock: ShiftedClock;
  yooKassa: YooKassaEmulator;
}

async function handle(request: Request, { emulators, clock, yooKassa }: Pages): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/sandbox/init-data")
    return Response.json({ init_data: initDataFor(url.searchParams, clock.now()) });
  if (url.pathname.startsWith("/sandbox/samples/")) return sample(url.pathname.slice("/sandbox/samples/".length));
  if (url.pathname === "/sandbox/clock") return answerClock(request, { clock, yooKassa });
  const [, name = "", path = ""] = /^\/sandbox\/([a-z]+)(\/.*)$/.exec(url.pathname) ?? [];
  const emulator = emulators[name];
  // The APIs stay on loopback; what people look at and press is reached through the server's own port, as from a phone.
  if (emulator !== undefined && /^\/(_|pay\/|chat\/)/.test(path))
    return passedOn(request, emulator + path + url.search);
  if (url.pathname === "/sandbox/") return new Response(PAGE, { headers: PAGE_HEADERS });
  return Response.json({ error: "nothing here; see /sandbox/" }, { status: 404 });
}

/** A sample picture, for whoever has none at hand. */
function sample(fileName: string): Response {
  const path = Object.entries(SAMPLES).find(([name]) => fileName === `${name}.png`)?.[1];
  if (path === undefined) return Response.json({ error: "there is no such sample" }, { status: 404 });
  return new Response(Bun.file(path), { headers: { "content-type": "image/png", "cache-control": "no-cache" } });
}

/** `GET` tells the sandbox's time; `POST {"advance_seconds": 86400}` puts server and emulators forward together. */
async function answerClock(
  request: Request,
  { clock, yooKassa }: Pick<Pages, "clock" | "yooKassa">,
): Promise<Response> {
  if (request.method === "POST") {
    const body = (await request.json().catch(() => null)) as { advance_seconds?: unknown } | null;
    const seconds = body?.advance_seconds;
    if (typeof seconds !== "number" || !Number.isSafeInteger(seconds) || seconds < 0 || seconds > ADVANCE_SECONDS_MAX) {
      const error = `advance_seconds is a whole number from 0 to ${ADVANCE_SECONDS_MAX}`;
      return Response.json({ error }, { status: 422 });
    }
    clock.advance(seconds * SECOND_MS);
    // What has become due by then happens now rather than with its next look at the clock.
    await yooKassa.advance(0);
  }
  return Response.json({ now: clock.now().toISOString() });
}

/** The emulator's answer to the same request; redirects are the browser's to follow. */
async function passedOn(request: Request, address: string): Promise<Response> {
  const type = request.headers.get("content-type");
  const body = request.method === "GET" ? null : await bodyOf(request);
  if (body === TOO_LARGE) return Response.json({ error: "the body is too large" }, { status: 413 });
  const answer = fetch(address, {
    method: request.method,
    body,
    headers: type === null ? {} : { "content-type": type },
    redirect: "manual",
  });
  // While the sandbox stops, a page may still wait for news.
  return answer.catch(() => Response.json({ error: "the emulator does not answer" }, { status: 502 }));
}

const TOO_LARGE = Symbol("too large");

/** What somebody presses or attaches on a page, in memory for the moment. */
async function bodyOf(request: Request): Promise<Blob | typeof TOO_LARGE> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > PASSED_ON_BYTES_MAX) return TOO_LARGE;
    chunks.push(chunk);
  }
  return new Blob(chunks);
}

/** Signed launch data of a made-up person, as Telegram would hand it to the Mini App. */
function initDataFor(query: URLSearchParams, now: Date): string {
  const id = Number(query.get("telegram_id") ?? "1001");
  const startParam = query.get("start_param");
  return signInitData({
    botToken: SANDBOX_BOT_TOKEN,
    user: {
      id: Number.isSafeInteger(id) && id > 0 ? id : 1001,
      first_name: query.get("first_name") ?? "Sandbox",
      language_code: query.get("language_code") ?? "ru",
    },
    authDate: now,
    ...(startParam === null ? {} : { startParam }),
  });
}

/** Its styles stand in the page; scripts it has none. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
};

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>SANDBOX · atelier</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}b{background:#ffd84d;color:#222;padding:.1em .5em}</style></head>
<body>
<p><b>SANDBOX</b> Nothing here costs money or leaves this machine.</p>
<ul>
<li><a href="/">The Mini App</a>, signed in as a made-up person; <a href="/?sandbox=1002">as another one</a></li>
<li><a href="/docs">The API's description</a>; try the routes there</li>
<li><a href="/sandbox/init-data?telegram_id=1001">Signed sign-in data of a made-up person</a>, for <code>POST /api/v1/auth/telegram</code></li>
<li><a href="/sandbox/kie/_stats">What kie.ai's emulator was asked</a></li>
<li><a href="/sandbox/kie/_faults">Its fault switches</a> (GET shows, PUT sets, DELETE clears)</li>
<li><a href="/sandbox/openrouter/_stats">What OpenRouter's emulator was asked</a></li>
<li><a href="/sandbox/openrouter/_faults">Its fault switches</a></li>
<li><a href="/sandbox/yookassa/_stats">What YooKassa's emulator was asked</a>, and <a href="/sandbox/yookassa/_faults">its fault switches</a>; the pay page is where <code>confirmation_url</code> leads</li>
<li><a href="/sandbox/clock">The sandbox's time</a>; <code>POST /sandbox/clock</code> with <code>{"advance_seconds": 86400}</code> puts it forward</li>
<li><a href="/sandbox/telegram/chat/1001">The chat of a made-up person with the bot</a>, <a href="/sandbox/telegram/chat/">all chats</a>, <a href="/sandbox/telegram/_stats">what Telegram's emulator was asked</a>, and <a href="/sandbox/telegram/_faults">its fault switches</a></li>
<li><a href="/sandbox/lknpd/_summary">What the tax service makes of each month</a>, <a href="/sandbox/lknpd/_stats">what its emulator was asked</a>, and <a href="/sandbox/lknpd/_faults">its fault switches</a></li>
</ul>
</body></html>
`;
