import { join } from "node:path";
import { type Fields, OWNER_TELEGRAM_ID, openShop, type Shop, settled, type Visitor } from "./shop.ts";

/**
 * Every admin route over HTTP against the compiled program, with the history that the database at DATABASE_URL holds:
 *
 *   DATABASE_URL=postgres://… dist/atelier migrate
 *   DATABASE_URL=postgres://… dist/atelier seed --people 200000 --payments 300000 --generations 1000000
 *   DATABASE_URL=postgres://… ./bunw bench/panel.ts
 *
 * It changes what is there: use a database for nothing else. Prints a line for each route, the slowest first, and ends with 1
 * when a median is over the goal or a route of the description was not measured.
 */

const MEDIAN_MS_MAX = 100;
const READS = 15;
/** Each change is made to another subject, so there are fewer. */
const CHANGES = 7;
const GOOD_CARD = "5555555555554444";
/** Pages that are turned before a list is measured deep inside. */
const PAGES_TURNED = 30;
const REASON = { reason: "measured" };

interface Timed {
  route: string;
  /** What of the route, where it is measured in several ways. */
  how: string;
  ms: number[];
}

const timed = new Map<string, Timed>();

/** The time until the last byte of an answer, which must be good; of a file that is streamed, until the first ones. */
async function time(route: string, how: string, request: () => Promise<Response>): Promise<Fields> {
  const startedAt = performance.now();
  const response = await request();
  const isFile = response.headers.has("content-disposition");
  const text = isFile ? await firstBytes(response) : await response.text();
  const ms = performance.now() - startedAt;
  if (!response.ok) throw new Error(`${route} ${how} answered ${response.status}: ${text}`);
  const name = `${route} ${how}`;
  const line = timed.get(name) ?? { route, how, ms: [] };
  line.ms.push(ms);
  timed.set(name, line);
  return (response.headers.get("content-type") ?? "").includes("json") ? (JSON.parse(text) as Fields) : {};
}

async function firstBytes(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const piece = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(piece?.value);
}

const idsOf = (page: Fields): string[] => (page.items as { id: string }[]).map((item) => item.id);
const listOf = async (owner: Visitor, path: string) => idsOf(await owner.ask("GET", `/admin${path}`));

async function measureReads({ owner }: Shop): Promise<void> {
  const read = async (path: string, how = "", route = path.split("?")[0] ?? path) => {
    for (let round = 0; round < READS; round += 1)
      await time(`GET ${route}`, how, () => owner.call("GET", `/admin${path}`));
  };
  const list = async (path: string, filters: readonly string[], route = path) => {
    await read(`${path}?limit=100`, "a hundred", route);
    let cursor = "";
    for (let page = 0; page < PAGES_TURNED; page += 1) {
      const answer = await owner.ask("GET", `/admin${path}?limit=100${cursor}`);
      if (answer.next_cursor === null) break;
      cursor = `&cursor=${answer.next_cursor}`;
    }
    if (cursor !== "") await read(`${path}?limit=100${cursor}`, "deep inside", route);
    for (const filter of filters) await read(`${path}?limit=100&${filter}`, filter, route);
  };

  const [person = ""] = (await listOf(owner, "/people?limit=100")).slice(5);
  const [payment = ""] = (await listOf(owner, "/payments?status=succeeded&limit=100")).slice(50);
  const [generation = ""] = (await listOf(owner, "/generations?limit=100")).slice(50);
  const month = new Date().toISOString().slice(0, 7);
  const days = "from=2026-01-10&to=2026-02-10";

  for (const path of ["/me", "/operators", "/catalogue", "/queue", "/maintenance"]) await read(path);
  for (const count of [7, 30, 366]) await read(`/overview?days=${count}`, `${count} days`);
  await read("/overview/months?months=24", "24 months");
  await read("/overview/economy?days=90", "90 days");
  await list("/people", [
    "only=banned",
    "only=subscribed",
    "search=%D0%B0%D0%BD%D0%BD%D0%B0",
    "search=no-such-person-at-all",
  ]);
  await read(`/people/${person}`, "", "/people/{id}");
  await list(`/people/${person}/entries`, [], "/people/{id}/entries");
  await list("/payments", [
    "status=pending",
    "status=cancelled",
    "product=pack_20",
    "flagged=true",
    `person=${person}`,
    days,
  ]);
  await read(`/payments/export?${days}`, "a month as CSV, first bytes");
  await read(`/payments/${payment}`, "", "/payments/{id}");
  await read(`/payments/${payment}/refund`, "preview", "/payments/{id}/refund");
  await read(`/tax?month=${month}`);
  await list("/tax/entries", ["state=ready", "month=2026-01"]);
  await read(`/tax/export?month=${month}`, "a month as CSV, first bytes");
  await list("/generations", [
    "status=failed",
    "status=running",
    "type=editing",
    "error=moderated",
    `person=${person}`,
    days,
  ]);
  await read(`/generations/${generation}`, "", "/generations/{id}");
  await list("/queue/jobs", ["state=parked"]);
  const [job = ""] = await listOf(owner, "/queue/jobs");
  await read(`/queue/jobs/${job}`, "", "/queue/jobs/{id}");
  await list("/broadcasts", []);
  // The first of them counts, the others hear what it counted.
  await read("/broadcasts/audience");
  await list("/audit", ["action=person.ban"]);
  await read("/health");
}

/** One subject after the other. */
async function each<Subject>(
  subjects: readonly Subject[],
  work: (subject: Subject) => Promise<unknown>,
): Promise<void> {
  if (subjects.length === 0) throw new Error("There is nothing to measure this change on.");
  for (const subject of subjects) await work(subject);
}

async function measureChangesOfPeople(shop: Shop): Promise<void> {
  const { owner } = shop;
  const people = (await listOf(owner, "/people?limit=100")).slice(20, 20 + CHANGES);
  const change = (id: string, what: string, body: Fields) =>
    time(`POST /people/{id}/${what}`, "", () =>
      owner.call("POST", `/admin/people/${id}/${what}`, { ...body, ...REASON }),
    );
  await each(people, (id) => change(id, "grant", { credits: 5, kind: "gift" }));
  await each(people, (id) => change(id, "ban", {}));
  await each(people, (id) => change(id, "unban", {}));
  await each(people, (id) => change(id, "logout", {}));
  const reached = await visitors(shop, CHANGES);
  await each(reached, ({ id }) => change(id, "message", { text: "Hello" }));
}

const visitors = (shop: Shop, count: number) => Promise.all(Array.from({ length: count }, () => shop.visitor()));

async function measureMoney(shop: Shop): Promise<void> {
  const { owner } = shop;
  const paid: string[] = [];
  for (const payer of await visitors(shop, CHANGES)) {
    const { payment } = await payer.ask("POST", "/payments/create", { product: "pack_60" });
    const { id, confirmation_url } = payment as { id: string; confirmation_url: string };
    await fetch(confirmation_url, {
      method: "POST",
      body: new URLSearchParams({ card: GOOD_CARD }),
      redirect: "manual",
    });
    await settled(async () => (await payer.ask("GET", `/payments/${id}`)).status === "succeeded", "a pack is paid");
    paid.push(id);
  }
  const entries: string[] = [];
  for (const id of paid) {
    const [entry] = (await owner.ask("GET", `/admin/payments/${id}`)).tax_entries as { id: string }[];
    if (entry !== undefined) entries.push(entry.id);
  }
  const change = (id: string, what: string, body: Fields) =>
    time(`POST /tax/entries/{id}/${what}`, "", () => owner.call("POST", `/admin/tax/entries/${id}/${what}`, body));
  await each([...entries.entries()], ([at, id]) => change(id, "register", { receipt: `measured${at}`, ...REASON }));
  const refund = { amount_kopecks: 10_000, ...REASON };
  await each(paid, (id) =>
    time("POST /payments/{id}/refund", "", () => owner.call("POST", `/admin/payments/${id}/refund`, refund)),
  );
  // A registered sale of which something went back has to be annulled at the tax service too.
  await each(entries, (id) => change(id, "annul", REASON));
}

/** A try-on of a fresh person that ends as the emulator is told by a word in the wish. */
async function order(person: Visitor, marker: string): Promise<string> {
  const samples = join(import.meta.dir, "../src/sandbox/samples");
  const photos = new FormData();
  photos.append("user_photo", Bun.file(join(samples, "person.png")));
  photos.append("item_photo", Bun.file(join(samples, "jacket.png")));
  const stored = (await person.ask("POST", "/fitting/upload", photos)) as Record<string, { id: string }>;
  const wish = { user_photo_id: stored.user_photo?.id, item_photo_id: stored.item_photo?.id, zone: "top" };
  return String((await person.ask("POST", "/fitting/generate", { ...wish, note: `sandbox:${marker}` })).id);
}

async function measureGenerations(shop: Shop): Promise<void> {
  const { owner } = shop;
  const change = (id: string, what: string) =>
    time(`POST /generations/{id}/${what}`, "", () => owner.call("POST", `/admin/generations/${id}/${what}`, REASON));
  const are = (person: Visitor, id: string, status: string) =>
    settled(async () => (await person.ask("GET", `/generations/${id}`)).status === status, `a picture is ${status}`);
  const failed = await ordered(shop, "moderated", (person, id) => are(person, id, "failed"));
  await each(failed, (id) => change(id, "retry"));
  const running = await ordered(shop, "never", (person, id) => are(person, id, "running"));
  await each(running, (id) => change(id, "release"));
}

async function ordered(shop: Shop, marker: string, wait: (person: Visitor, id: string) => Promise<void>) {
  const orders: string[] = [];
  for (const person of await visitors(shop, CHANGES)) {
    const id = await order(person, marker);
    await wait(person, id);
    orders.push(id);
  }
  return orders;
}

async function measureQueue({ owner }: Shop): Promise<void> {
  // Whatever waits is set aside and run again.
  const jobs = (await listOf(owner, "/queue/jobs?state=ready&limit=100")).slice(0, CHANGES);
  const change = (id: string, what: string) =>
    time(`POST /queue/jobs/{id}/${what}`, "", () => owner.call("POST", `/admin/queue/jobs/${id}/${what}`, REASON));
  await each(jobs, (id) => change(id, "park"));
  await each(jobs, (id) => change(id, "retry"));
  await each(Array(CHANGES).fill("notification.send"), (kind: string) =>
    time("POST /queue/retry", "", () => owner.call("POST", "/admin/queue/retry", { kind, ...REASON })),
  );
}

async function measureBroadcasts({ owner, pressStart }: Shop): Promise<void> {
  // The draft is tried on the owner, to whom the bot may write once they have begun the chat.
  await pressStart(OWNER_TELEGRAM_ID);
  await settled(
    async () => (await owner.ask("GET", "/profile")).telegram_write_state === "enabled",
    "the chat is open",
  );
  const text = { text_ru: "Новости", text_en: "News" };
  const drafts: string[] = [];
  for (const segment of ["all", "free", "subscribed", "sleeping", "sleeping", "free", "subscribed"]) {
    const body = { segment, ...text, ...REASON };
    const draft = await time("POST /broadcasts", "", () => owner.call("POST", "/admin/broadcasts", body));
    drafts.push(String(draft.id));
  }
  const change = (id: string, what: string, body: Fields) =>
    time(`POST /broadcasts/{id}/${what}`, "", () => owner.call("POST", `/admin/broadcasts/${id}/${what}`, body));
  await each(drafts, (id) => change(id, "change", { segment: "sleeping", ...text, ...REASON }));
  await each(drafts, (id) => change(id, "test", REASON));
  await each(drafts, async (id) => {
    await change(id, "start", REASON);
    await change(id, "stop", REASON);
  });
  await each(drafts, (id) => time("GET /broadcasts/{id}", "", () => owner.call("GET", `/admin/broadcasts/${id}`)));
}

async function measureRest(shop: Shop): Promise<void> {
  const { owner } = shop;
  for (let round = 0; round < CHANGES; round += 1) {
    for (const on of [true, false])
      await time("POST /maintenance", "", () => owner.call("POST", "/admin/maintenance", { on, ...REASON }));
    const link = await shop.run("user", "admin", String(OWNER_TELEGRAM_ID), "--link");
    const token = /#link=(\S+)/.exec(link)?.[1];
    await time("POST /sign-in", "", () => owner.call("POST", "/admin/sign-in", { token }));
  }
}

const median = (ms: number[]): number => ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN;

/** Routes under /admin of the description that were not measured. */
async function unmeasured(shop: Shop): Promise<string[]> {
  const { paths } = (await (await fetch(`${shop.base}/openapi.json`)).json()) as { paths: Record<string, Fields> };
  const prefix = "/api/v1/admin";
  const seen = new Set([...timed.values()].map(({ route }) => route));
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(`${prefix}/`))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.slice(prefix.length)}`),
    )
    .filter((route) => !seen.has(route));
}

const shop = await openShop({
  ...(process.env as Record<string, string>),
  DATA_DIR: process.env.DATA_DIR ?? join(import.meta.dir, "results/panel-data"),
});
try {
  const ready = async () => ((await shop.owner.ask("GET", "/admin/overview")).days as unknown[]).length > 0;
  await settled(ready, "the figures of the days are counted");
  await measureChangesOfPeople(shop);
  await measureMoney(shop);
  await measureGenerations(shop);
  await measureQueue(shop);
  await measureBroadcasts(shop);
  await measureRest(shop);
  await measureReads(shop);
  const missing = await unmeasured(shop);
  const lines = [...timed.values()].toSorted((a, b) => median(b.ms) - median(a.ms));
  for (const { route, how, ms } of lines)
    process.stdout.write(
      `${median(ms).toFixed(1).padStart(8)} ms median ${Math.max(...ms)
        .toFixed(1)
        .padStart(8)} max  ${String(ms.length).padStart(3)} × ${route} ${how}\n`,
    );
  for (const route of missing) process.stdout.write(`not measured: ${route}\n`);
  if (missing.length > 0 || lines.some(({ ms }) => median(ms) > MEDIAN_MS_MAX)) process.exitCode = 1;
} finally {
  await shop.stop();
}
