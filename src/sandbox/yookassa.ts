import { type Clock, SECOND_MS, systemClock } from "../platform/clock.ts";
import { type Log, silentLog } from "../platform/telemetry/log.ts";
import { YOOKASSA_BASE_PATH } from "../providers/yookassa/wire.ts";
import { createFaults, FAULTS_PATH, type Faults } from "./faults.ts";
import { shiftedClock } from "./shifted-clock.ts";
import { createYooKassaApi } from "./yookassa-api.ts";
import { answerCabinet, CABINET_PATHS, createYooKassaCabinet, type YooKassaCabinet } from "./yookassa-cabinet.ts";
import type { EmulatedCall } from "./yookassa-calls.ts";
import { YOOKASSA_FAULTS } from "./yookassa-faults.ts";
import { createKeyStore } from "./yookassa-keys.ts";
import { createYooKassaNotices, type NoticeCounts, type YooKassaNotices } from "./yookassa-notices.ts";
import { objectOf, paymentObject, refundObject } from "./yookassa-objects.ts";
import { answerPayer, PAY_PATH } from "./yookassa-payer.ts";
import type { ShopSettings } from "./yookassa-records.ts";
import { createYooKassaShop, type ShopBooks, type YooKassaShop } from "./yookassa-shop.ts";

/** Where the emulator tells what was asked of it; the same place as at the others. */
const STATS_PATH = "/_stats";
const HOST = "127.0.0.1";
const BODY_BYTES_MAX = 1_000_000;
/** How often the emulator looks by itself whether something is due. */
const TICK_MS = SECOND_MS;
const SHOP_ID_DEFAULT = "100500";
const SECRET_KEY_DEFAULT = "test_sandbox-yookassa-key";
/** Another shop, for what one shop must not see of another. */
const OTHER_SHOP = { shopId: "100501", secretKey: "test_sandbox-yookassa-other-key" };

export interface YooKassaEmulatorOptions {
  /** A free one by default. */
  port?: number;
  log?: Log;
  /** What the emulator's own clock goes with; that one can be put forward. */
  clock?: Clock;
  shopId?: string;
  secretKey?: string;
  /** Where notices go; nowhere until it is set. */
  webhookUrl?: string;
  /** What stands before `/pay/...` in confirmation addresses, such as `https://a.example/sandbox/yookassa`. */
  publicUrl?: string;
  settings?: Partial<ShopSettings>;
  /** What another emulator had written down, to go on from; the keys of its requests are not known here. */
  books?: ShopBooks;
}

export interface YooKassaStats {
  calls: EmulatedCall[];
  /** How many payments, refunds and stored methods there are, whoever asked how often. */
  counts: { payments: Record<string, number>; refunds: Record<string, number>; methods: number };
  /** As the API shows them, the oldest first. */
  payments: Record<string, unknown>[];
  refunds: Record<string, unknown>[];
  notices: NoticeCounts & { waiting: number };
  now: string;
}

export interface YooKassaEmulator extends YooKassaCabinet {
  /** The base address of the API, as YooKassa's own is given. */
  url: string;
  /** The emulator's own origin, with `/_faults`, `/_stats` and the rest below it. */
  origin: string;
  /** What pay pages begin with as the emulator itself serves them, slash included. */
  payUrl: string;
  shopId: string;
  secretKey: string;
  otherShop: { shopId: string; secretKey: string };
  faults: Faults;
  notices: YooKassaNotices;
  stats(): YooKassaStats;
  /** All that is written down here, for another emulator to go on from. */
  books(): ShopBooks;
  setWebhookUrl(url: string | undefined): void;
  setPublicUrl(url: string | undefined): void;
  stop(): Promise<void>;
}

/**
 * Plays YooKassa over real HTTP: the API, the pay page, the notices, and the hands of payer and owner below `/_...`.
 * Nothing in it is shared with the client but the wire.
 */
export async function startYooKassaEmulator(options: YooKassaEmulatorOptions = {}): Promise<YooKassaEmulator> {
  const clock = shiftedClock(options.clock ?? systemClock);
  const log = options.log ?? silentLog;
  const faults = createFaults(YOOKASSA_FAULTS);
  const shopId = options.shopId ?? SHOP_ID_DEFAULT;
  const secretKey = options.secretKey ?? SECRET_KEY_DEFAULT;
  const addresses = { webhookUrl: options.webhookUrl, publicUrl: options.publicUrl?.replace(/\/+$/, "") };
  const payBase = (): string => addresses.publicUrl ?? origin;
  const notices = createYooKassaNotices({ clock, faults, webhookUrl: () => addresses.webhookUrl });
  const shop = createYooKassaShop({
    clock,
    settings: options.settings ?? {},
    books: options.books,
    onEvent: (event) => notices.tell(event.name, objectOf(event, payBase)),
  });
  const needs = { clock, faults, shop, payBase, noticesTried: () => notices.tried() };
  const shops = new Map([
    [OTHER_SHOP.shopId, OTHER_SHOP.secretKey],
    [shopId, secretKey],
  ]);
  const api = createYooKassaApi({ ...needs, keys: createKeyStore(clock), shops });
  const cabinet = createYooKassaCabinet({ ...needs, notices, addresses });
  const stats = (): YooKassaStats => statsOf({ shop, notices, payBase, calls: api.calls, now: clock.now() });
  const server = serve(options.port ?? 0, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === FAULTS_PATH) return faults.handle(request);
    if (pathname === STATS_PATH) return Response.json(stats());
    if (CABINET_PATHS.includes(pathname.split("/", 2)[1] ?? "")) return answerCabinet(request, cabinet, notices);
    if (pathname.startsWith(PAY_PATH)) return answerPayer(request, needs);
    if (!pathname.startsWith(`${YOOKASSA_BASE_PATH}/`)) return new Response("Not Found", { status: 404 });
    const answer = await api.call(request);
    log.debug("emulated call", { path: pathname, status: answer.status });
    return answer;
  });
  const origin = `http://${HOST}:${server.port}`;
  const ticking = setInterval(() => {
    shop.settle();
    void notices.pump();
  }, TICK_MS);
  ticking.unref();
  return {
    ...cabinet,
    url: origin + YOOKASSA_BASE_PATH,
    origin,
    payUrl: origin + PAY_PATH,
    shopId,
    secretKey,
    otherShop: OTHER_SHOP,
    faults,
    notices,
    stats,
    books: () => structuredClone({ payments: shop.payments, refunds: shop.refunds, methods: shop.methods }),
    setWebhookUrl: (url) => void cabinet.configure({ webhookUrl: url ?? "" }),
    setPublicUrl: (url) => void cabinet.configure({ publicUrl: url ?? "" }),
    async stop() {
      clearInterval(ticking);
      notices.stop();
      await server.stop(true);
    },
  };
}

function serve(port: number, answer: (request: Request) => Promise<Response>): ReturnType<typeof Bun.serve> {
  return Bun.serve({
    hostname: HOST,
    port,
    reusePort: false,
    // A switch may keep a caller waiting for as long as it likes.
    idleTimeout: 0,
    // Otherwise the bodies that break off on purpose are printed to the terminal.
    development: false,
    maxRequestBodySize: BODY_BYTES_MAX,
    fetch: answer,
  });
}

function statsOf(from: {
  shop: YooKassaShop;
  notices: YooKassaNotices;
  payBase: () => string;
  calls: readonly EmulatedCall[];
  now: Date;
}): YooKassaStats {
  const { payments, refunds, methods } = from.shop;
  return {
    calls: structuredClone([...from.calls]),
    counts: { payments: tally(payments), refunds: tally(refunds), methods: methods.size },
    payments: payments.map((payment) => paymentObject(payment, from.payBase)),
    refunds: refunds.map(refundObject),
    notices: { ...from.notices.counts, waiting: from.notices.waiting() },
    now: from.now.toISOString(),
  };
}

function tally(objects: readonly { status: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of objects) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
