import { join } from "node:path";
import { type Fields, OWNER_TELEGRAM_ID, type Shop, settled, type Visitor } from "./shop.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** Every route of the owner's panel, asked as its pages ask. Changes are made to people, payments and pictures that are there. */

const READS = 15;
/** Each change is made to another subject, so there are fewer. */
const CHANGES = 7;
export const GOOD_CARD = "5555555555554444";
/** Pages that are turned before a list is measured deep inside. */
const PAGES_TURNED = 30;
/** Broadcasts that a small shop has sent before the last of them is started. */
const SENT_AT_ONCE = 2;
const REASON = { reason: "measured" };

/** A shop, and the stopwatch whose paths begin where the panel's do. */
export interface PanelBench extends Shop {
  watch: Stopwatch;
}

const idsOf = (page: Fields): string[] => (page.items as { id: string }[]).map((item) => item.id);
const listOf = async (owner: Visitor, path: string) => idsOf(await owner.ask("GET", `/admin${path}`));

export async function measureReads({ owner, watch: { time } }: PanelBench): Promise<void> {
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
    for (const filter of filters) {
      // Of whom does not matter, and it is somebody else in each database.
      const how = filter.replace(/^person=.*/, "of a person");
      await read(`${path}?limit=100&${filter}`, how, route);
    }
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
  await read(`/payments/export?${days}`, "a month as CSV, first page");
  await read(`/payments/${payment}`, "", "/payments/{id}");
  await read(`/payments/${payment}/refund`, "preview", "/payments/{id}/refund");
  await read(`/tax?month=${month}`);
  await list("/tax/entries", ["state=ready", "month=2026-01"]);
  await read(`/tax/export?month=${month}`, "a month as CSV, first page");
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
  await read("/broadcasts/audience");
  await list("/audit", ["action=person.ban"]);
  await read("/health");
}

/** One subject after the other. */
export async function each<Subject>(
  subjects: readonly Subject[],
  work: (subject: Subject) => Promise<unknown>,
): Promise<void> {
  if (subjects.length === 0) throw new Error("There is nothing to measure this change on.");
  for (const subject of subjects) await work(subject);
}

export async function measureChangesOfPeople(shop: PanelBench): Promise<void> {
  const {
    owner,
    watch: { time },
  } = shop;
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

export const visitors = (shop: Shop, count: number) => Promise.all(Array.from({ length: count }, () => shop.visitor()));

export async function measureMoney(shop: PanelBench): Promise<void> {
  const {
    owner,
    watch: { time },
  } = shop;
  const pay = async (payer: Visitor): Promise<string> => {
    const { payment } = await payer.ask("POST", "/payments/create", { product: "pack_60" });
    const { id, confirmation_url } = payment as { id: string; confirmation_url: string };
    await fetch(confirmation_url, {
      method: "POST",
      body: new URLSearchParams({ card: GOOD_CARD }),
      redirect: "manual",
    });
    await settled(async () => (await payer.ask("GET", `/payments/${id}`)).status === "succeeded", "a pack is paid");
    return id;
  };
  const paid = await Promise.all((await visitors(shop, CHANGES)).map(pay));
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

export const SAMPLES_FOLDER = join(import.meta.dir, "../src/sandbox/samples");

export function fittingPhotos(): FormData {
  const photos = new FormData();
  photos.append("user_photo", Bun.file(join(SAMPLES_FOLDER, "person.png")));
  photos.append("item_photo", Bun.file(join(SAMPLES_FOLDER, "jacket.png")));
  return photos;
}

/** A wish for what was stored, that ends as the emulator is told by a word in it. */
export function orderFitting(stored: Fields, marker?: string): Fields {
  const { user_photo, item_photo } = stored as Record<string, { id: string }>;
  const wish = { user_photo_id: user_photo?.id, item_photo_id: item_photo?.id, zone: "top" };
  return marker === undefined ? wish : { ...wish, note: `sandbox:${marker}` };
}

async function order(person: Visitor, marker: string): Promise<string> {
  const stored = await person.ask("POST", "/fitting/upload", fittingPhotos());
  return String((await person.ask("POST", "/fitting/generate", orderFitting(stored, marker))).id);
}

const isInState = (person: Visitor, id: string, status: string) =>
  settled(async () => (await person.ask("GET", `/generations/${id}`)).status === status, `a picture is ${status}`);

export async function measureGenerations(shop: PanelBench): Promise<void> {
  const {
    owner,
    watch: { time },
  } = shop;
  const change = (id: string, what: string) =>
    time(`POST /generations/{id}/${what}`, "", () => owner.call("POST", `/admin/generations/${id}/${what}`, REASON));
  const failed = await ordered(shop, "moderated", (person, id) => isInState(person, id, "failed"));
  await each(failed, (id) => change(id, "retry"));
  const running = await ordered(shop, "never", (person, id) => isInState(person, id, "running"));
  await each(running, (id) => change(id, "release"));
}

async function ordered(shop: Shop, marker: string, wait: (person: Visitor, id: string) => Promise<void>) {
  const orderOne = async (person: Visitor): Promise<string> => {
    const id = await order(person, marker);
    await wait(person, id);
    return id;
  };
  return Promise.all((await visitors(shop, CHANGES)).map(orderOne));
}

export async function measureQueue(shop: PanelBench): Promise<void> {
  const {
    owner,
    watch: { time },
  } = shop;
  // What waits for its time is set aside and run again, that which waits longest first: what is due may be gone when it is asked for.
  await ordered(shop, "never", (person, id) => isInState(person, id, "running"));
  const { items } = await owner.ask("GET", "/admin/queue/jobs?state=ready&limit=100");
  const waiting = (items as { id: string; run_at: string }[]).toSorted((a, b) => (a.run_at < b.run_at ? 1 : -1));
  const jobs = waiting.slice(0, CHANGES).map(({ id }) => id);
  const change = (id: string, what: string) =>
    time(`POST /queue/jobs/{id}/${what}`, "", () => owner.call("POST", `/admin/queue/jobs/${id}/${what}`, REASON));
  await each(jobs, (id) => change(id, "park"));
  await each(jobs, (id) => change(id, "retry"));
  await each(Array(CHANGES).fill("notification.send"), (kind: string) =>
    time("POST /queue/retry", "", () => owner.call("POST", "/admin/queue/retry", { kind, ...REASON })),
  );
}

export async function measureBroadcasts({ owner, pressStart, watch: { time } }: PanelBench): Promise<void> {
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
  await each(drafts, (id) => change(id, "start", REASON));
  // One is sent after the other: where people are few, the first has come to its end by now.
  await each(drafts.toReversed().slice(0, -SENT_AT_ONCE), (id) => change(id, "stop", REASON));
  await each(drafts, (id) => time("GET /broadcasts/{id}", "", () => owner.call("GET", `/admin/broadcasts/${id}`)));
}

export async function measureRest(shop: PanelBench): Promise<void> {
  const {
    owner,
    watch: { time },
  } = shop;
  for (let round = 0; round < CHANGES; round += 1) {
    for (const on of [true, false])
      await time("POST /maintenance", "", () => owner.call("POST", "/admin/maintenance", { on, ...REASON }));
    const link = await shop.run("user", "admin", String(OWNER_TELEGRAM_ID), "--link");
    const token = /#link=(\S+)/.exec(link)?.[1];
    await time("POST /sign-in", "", () => owner.call("POST", "/admin/sign-in", { token }));
  }
}

/** All of them, the changes first; what is not there at all is an error. */
export const PANEL_STEPS: readonly ((shop: PanelBench) => Promise<void>)[] = [
  measureChangesOfPeople,
  measureMoney,
  measureGenerations,
  measureQueue,
  measureBroadcasts,
  measureRest,
  measureReads,
];
