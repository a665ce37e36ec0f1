import { beforeAll, describe, expect, test } from "bun:test";
import { eq, gt } from "drizzle-orm";
import { openSession } from "../../src/features/auth/sessions.ts";
import { sessions } from "../../src/features/auth/tables.ts";
import {
  creditEntries,
  creditHolds,
  payments,
  taxEntries,
  taxMonth,
  verifyLedger,
} from "../../src/features/billing/index.ts";
import { beginConversation } from "../../src/features/editing/conversations.ts";
import { chatHistory, chatTurns } from "../../src/features/editing/index.ts";
import { startTurn } from "../../src/features/editing/start-turn.ts";
import { generations, startGeneration } from "../../src/features/generations/index.ts";
import { deletions, files, storePhotos } from "../../src/features/photos/index.ts";
import { erasePerson, erasures, nameOf, personalTables } from "../../src/features/privacy/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../support/app.ts";
import { order, uploadPhotos } from "../support/fitting.ts";
import { ALL_MARKERS, type FullPerson, MARKERS, makeFullPerson, signInMarked } from "../support/full-person.ts";
import { picture, uploadForm } from "../support/pictures.ts";
import { hashOf, storedFiles, tracesInTables } from "../support/traces.ts";
import { readZip } from "../support/zip.ts";

const SETTINGS = { TERMS_VERSION: "2026-11", FREE_ACTIONS_PER_MONTH: "6" };

interface Receipt {
  receipt_id: string;
  erased_at: string;
  deleted: Record<string, number>;
  anonymised: Record<string, number>;
  files: number;
  credits_forfeited: number;
  subscription_ended: boolean;
}

const erase = (app: TestApp, person: Person, json: unknown = { confirm: "erase" }) =>
  app.request("/profile", { method: "DELETE", as: person, json });

async function exported(app: TestApp, person: Person): Promise<Map<string, Uint8Array>> {
  const response = await app.request("/profile/export", { as: person });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/zip"]);
  return readZip(await response.bytes());
}

const upload = async () => ({
  field: "photo",
  purpose: "edit_photo" as const,
  declaredType: "image/jpeg",
  bytes: await picture(),
});

const asText = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe("X4 somebody of whom there is something everywhere", () => {
  const shared = useTestApp({ settings: SETTINGS });
  let full: FullPerson;
  let archive: Map<string, Uint8Array>;
  let receipt: Receipt;
  let creditsBefore = 0;
  let links: string[];
  let other: Person;

  beforeAll(async () => {
    const app = shared();
    other = await app.signIn({ firstName: "Boris" });
    await app.request("/profile/consent", { method: "POST", as: other, json: { version: "2026-11" } });
    // Of another colour, so that their bytes are their own.
    const body = uploadForm({ user_photo: { bytes: await picture({ colour: [10, 200, 90] }) } });
    expect((await app.request("/fitting/upload", { method: "POST", as: other, body })).status).toBe(200);
    full = await makeFullPerson(app);
    archive = await exported(app, full.person);
    const [row] = await app.ctx.db.select().from(users).where(eq(users.id, full.person.id));
    creditsBefore = row?.balanceCredits ?? 0;
    const list = await (await app.request("/generations", { as: full.person })).text();
    links = [...list.matchAll(/"(http[^"]+\/files\/[^"]+)"/g)].map(([, link = ""]) => new URL(link).pathname);
  }, MINUTE_MS);

  test("X4 there is a trace of every marker, in many tables, and a stored file for each picture", async () => {
    const traces = await tracesInTables(shared(), ALL_MARKERS);
    expect(new Set(traces.flatMap((trace) => trace.markers))).toEqual(new Set(ALL_MARKERS));
    expect(new Set(traces.map((trace) => trace.table)).size).toBeGreaterThan(7);
    const stored = [...storedFiles(shared()).values()];
    expect(full.fileHashes.length).toBeGreaterThan(8);
    for (const hash of full.fileHashes) expect(stored).toContain(hash);
    expect(links.length).toBeGreaterThan(4);
    expect(creditsBefore).toBeGreaterThan(7);
  });

  test("X4 the export holds every row and every picture that the scan finds", async () => {
    const traces = await tracesInTables(shared(), ALL_MARKERS);
    for (const { table, row, markers } of traces) {
      const { id, key } = JSON.parse(row) as { id?: string; key?: string };
      const rows = JSON.parse(asText(archive.get(`data/${table}.json`)) || "[]") as { id?: string; key?: string }[];
      const same = rows.find((one) => (id === undefined ? one.key === key : one.id === id));
      expect([table, same !== undefined]).toEqual([table, true]);
      for (const marker of markers) expect(JSON.stringify(same)).toContain(marker);
    }
    const pictures = [...archive].filter(([name]) => name.startsWith("files/")).map(([, bytes]) => hashOf(bytes));
    expect(pictures.toSorted()).toEqual(full.fileHashes.toSorted());
  });

  test("X4 the export counts what it holds, for every personal table, and holds nothing of anybody else", async () => {
    const contents = JSON.parse(asText(archive.get("contents.json")));
    expect(Object.keys(contents.tables).toSorted()).toEqual(personalTables.map(nameOf).toSorted());
    for (const [table, rows] of Object.entries(contents.tables)) {
      expect([table, JSON.parse(asText(archive.get(`data/${table}.json`))).length]).toEqual([table, rows]);
    }
    for (const table of ["users", "sessions", "payments", "tax_entries", "refunds", "credit_entries", "generations"]) {
      expect([table, contents.tables[table] > 0]).toEqual([table, true]);
    }
    expect(contents.files).toBe(full.fileHashes.length);
    for (const bytes of archive.values()) expect(asText(bytes)).not.toContain(other.id);
    expect(JSON.stringify([...archive.keys()])).not.toContain("hash");
    expect(asText(archive.get("data/refresh_tokens.json"))).not.toContain('"hash"');
  });

  test("X4 is not erased without saying that it is meant", async () => {
    for (const json of [{}, { confirm: "yes" }, { confirm: "erase", surplus: 1 }]) {
      expect((await erase(shared(), full.person, json)).status).toBe(422);
    }
    expect((await shared().request("/profile", { as: full.person })).status).toBe(200);
  });

  test("X4 gets a receipt that counts what went and leads to nobody", async () => {
    const app = shared();
    const response = await erase(app, full.person);
    expect(response.status).toBe(200);
    receipt = (await response.json()) as Receipt;
    expect(receipt).toMatchObject({
      files: full.fileHashes.length,
      credits_forfeited: creditsBefore,
      subscription_ended: false,
      deleted: { chat_history: 1, consents: 1, sessions: 1, live_tickets: 1 },
      anonymised: { users: 1, payments: 1, refunds: 1, generations: 4 },
    });
    const [kept] = await app.ctx.db.select().from(erasures).where(eq(erasures.id, receipt.receipt_id));
    expect(JSON.stringify(kept)).not.toContain(full.person.id);
    expect(kept).toMatchObject({ askedBy: "person", completedAt: null });
  });

  test("X4 at once: tokens are dead, links open nothing, and no table has a trace left", async () => {
    const app = shared();
    for (const path of ["/profile", "/profile/export", "/generations", "/balance"]) {
      expect([path, (await app.request(path, { as: full.person })).status]).toEqual([path, 401]);
    }
    const refresh = { method: "POST", json: { refresh_token: full.person.refreshToken } };
    expect((await app.request("/auth/refresh", refresh)).status).toBe(401);
    expect((await erase(app, full.person)).status).toBe(401);
    for (const link of links) expect([link, (await app.request(link)).status]).toEqual([link, 404]);
    expect(await tracesInTables(app, ALL_MARKERS)).toEqual([]);
  });

  test("X4 what was in work is cancelled and released, credits are booked out, and the ledger adds up", async () => {
    const app = shared();
    const mine = await app.ctx.db.select().from(generations).where(eq(generations.userId, full.person.id));
    const statusOf = (id: string) => mine.find((one) => one.id === id)?.status;
    expect([statusOf(full.running), statusOf(full.queued), statusOf(full.watermarked)]).toEqual([
      "cancelled",
      "cancelled",
      "succeeded",
    ]);
    const open = await app.ctx.db.select().from(creditHolds).where(eq(creditHolds.state, "held"));
    expect(open.filter((hold) => hold.userId === full.person.id)).toEqual([]);
    const [stub] = await app.ctx.db.select().from(users).where(eq(users.id, full.person.id));
    expect(stub).toMatchObject({
      balanceCredits: 0,
      reservedCredits: 0,
      firstName: "",
      lastName: null,
      username: null,
    });
    expect(stub?.telegramId).toBeLessThan(-(2 ** 52) + 1);
    const entries = await app.ctx.db.select().from(creditEntries).where(eq(creditEntries.userId, full.person.id));
    const forfeited = entries.filter((entry) => entry.cause.startsWith("forfeit:"));
    expect(forfeited.reduce((sum, entry) => sum - entry.balanceDelta, 0)).toBe(creditsBefore);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("X4 payments stay for the books without a person in them, and in the totals of the tax", async () => {
    const app = shared();
    const [payment] = await app.ctx.db.select().from(payments).where(eq(payments.id, full.paymentId));
    expect(payment).toMatchObject({
      status: "succeeded",
      amountKopecks: 39_900,
      refundedKopecks: 10_000,
      returnUrl: "",
      confirmationUrl: null,
    });
    const entries = await app.ctx.db.select().from(taxEntries).where(eq(taxEntries.paymentId, full.paymentId));
    expect(entries.map((entry) => entry.state).toSorted()).toEqual(["annulled", "ready"]);
    const inForce = (await taxMonth(app.ctx, "2026-11")).filter((entry) => entry.state !== "annulled");
    expect(inForce.map((entry) => entry.grossKopecks)).toEqual([29_900]);
  });

  test("X4 the bytes are gone once the job has run, and then the rows and the receipt's work", async () => {
    const app = shared();
    await app.work();
    const stored = [...storedFiles(app).values()];
    for (const hash of full.fileHashes) expect(stored).not.toContain(hash);
    // The other person's photo.
    expect(stored).toHaveLength(1);
    expect(await app.ctx.db.select().from(files).where(eq(files.userId, full.person.id))).toEqual([]);
    const [kept] = await app.ctx.db.select().from(erasures).where(eq(erasures.id, receipt.receipt_id));
    expect(kept?.completedAt).not.toBeNull();
    expect(await tracesInTables(app, ALL_MARKERS)).toEqual([]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("X5 the journal names each deletion, chat and person included, and none of their names", async () => {
    const entries = (await shared().ctx.db.select().from(deletions)).filter((entry) => entry.reason === "erased");
    const kinds = entries.map((entry) => entry.kind);
    expect(kinds.filter((kind) => kind === "conversation")).toHaveLength(1);
    expect(entries.filter((entry) => entry.kind === "person")).toMatchObject([{ subjectId: receipt.receipt_id }]);
    expect(kinds.filter((kind) => kind !== "conversation" && kind !== "person")).toHaveLength(full.fileHashes.length);
    for (const entry of entries) expect(entry.nameHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("X4 nobody else lost anything", async () => {
    const app = shared();
    expect((await app.request("/profile", { as: other })).status).toBe(200);
    expect(await app.ctx.db.select().from(files).where(eq(files.userId, other.id))).toHaveLength(1);
  });

  test("X4 no marker ever stood in a log line", () => {
    const log = shared().logLines.join("\n");
    for (const marker of ALL_MARKERS) expect(log).not.toContain(marker);
    expect(log).toContain("a person was erased");
    expect(shared().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

describe("X4 whoever comes back", () => {
  test("X4 is a new person, without the free actions that were used this month, and nobody's invited guest", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "3" } });
    const person = await signInMarked(app);
    const photos = await uploadPhotos(app, person);
    for (let made = 0; made < 2; made += 1) {
      expect((await order(app, person, photos)).status).toBe(202);
      await app.work();
    }
    expect((await erase(app, person)).status).toBe(200);
    const back = await signInMarked(app);
    expect(back.id).not.toBe(person.id);
    const balance = await (await app.request("/balance", { as: back })).json();
    expect(balance).toMatchObject({ credits: 0, free_actions: { limit: 3, used: 2 } });
    const again = await uploadPhotos(app, back);
    expect((await order(app, back, again)).status).toBe(202);
    expect((await order(app, back, again)).status).toBe(402);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
    expect(app.logLines.filter((line) => line.includes("for the first time"))).toHaveLength(1);

    // Once more: what was used stays used.
    await app.work();
    expect((await erase(app, back)).status).toBe(200);
    const third = await signInMarked(app);
    const thirdBalance = await (await app.request("/balance", { as: third })).json();
    expect(thirdBalance).toMatchObject({ free_actions: { used: 3 } });
    expect((await tracesInTables(app, [person.id])).every(({ row }) => !row.includes(MARKERS.telegramId))).toBe(true);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("X4 next month is met like anybody, and has all free actions", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "3" } });
    const person = await signInMarked(app);
    expect((await order(app, person, await uploadPhotos(app, person))).status).toBe(202);
    await erase(app, person);
    app.clock.advance(32 * 24 * 60 * MINUTE_MS);
    const back = await signInMarked(app);
    const balance = await (await app.request("/balance", { as: back })).json();
    expect(balance).toMatchObject({ free_actions: { used: 0 } });
    expect(app.logLines.filter((line) => line.includes("for the first time"))).toHaveLength(2);
  });
});

describe("X4 while something is under way", () => {
  test("X4 an order, an upload and a message that pass the guard before the erasure begin nothing after it", async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    const photos = await uploadPhotos(app, person);
    // The guard lets the requests in; the transaction that erases is faster than theirs.
    const late = Promise.allSettled([
      order(app, person, photos, { note: MARKERS.note }),
      uploadPhotos(app, person),
      app.request("/editing/reset", { method: "POST", as: person, json: {} }),
    ]);
    const done = await erase(app, person);
    const ended = await late;
    expect(done.status).toBe(200);
    expect(ended).toHaveLength(3);
    await app.work();
    expect(await tracesInTables(app, [MARKERS.note, MARKERS.telegramId, MARKERS.firstName])).toEqual([]);
    expect(await app.ctx.db.select().from(files).where(eq(files.userId, person.id))).toEqual([]);
    expect(await app.ctx.db.select().from(chatHistory).where(eq(chatHistory.userId, person.id))).toEqual([]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("X4 two erasures at once are one", async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    await uploadPhotos(app, person);
    const answers = await Promise.all([erase(app, person), erase(app, person), erase(app, person)]);
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 401, 401]);
    expect(await app.ctx.db.select().from(erasures)).toHaveLength(1);

    const second = await app.signIn();
    const twice = { userId: second.id, askedBy: "operator" as const };
    const ends = await Promise.allSettled([erasePerson(app.ctx, twice), erasePerson(app.ctx, twice)]);
    expect(ends.map((end) => end.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const [refused] = ends.filter((end) => end.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: "unauthenticated" });
    expect(await app.ctx.db.select().from(erasures)).toHaveLength(2);
  });

  test("X4 whatever still carries the old person past the guard stores, orders and says nothing", async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    const [photo] = await storePhotos(app.ctx, person.id, [await upload()]);
    if (!photo) throw new Error("a photo was stored");
    await erase(app, person);
    const late = [
      storePhotos(app.ctx, person.id, [await upload()]),
      startTurn(app.ctx, { userId: person.id, message: MARKERS.message }),
      app.ctx.transaction((tx) =>
        startGeneration(tx, {
          userId: person.id,
          type: "editing",
          action: "edit_generation",
          prompt: MARKERS.ownPrompt,
          userPhoto: photo,
        }),
      ),
    ];
    for (const end of await Promise.allSettled(late)) {
      expect(end).toMatchObject({ status: "rejected", reason: { code: "unauthenticated" } });
    }
    expect(await tracesInTables(app, [MARKERS.message, MARKERS.ownPrompt])).toEqual([]);
    expect(await app.ctx.db.select().from(files).where(gt(files.expiresAt, app.clock.now()))).toEqual([]);
  });

  test("X4 what was written all the same while it was erased is gone some minutes later", async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    await erase(app, person);
    await beginConversation(app.ctx, person.id);
    await openSession(app.ctx, person.id);
    await app.ctx.db.update(users).set({ firstName: MARKERS.firstName }).where(eq(users.id, person.id));
    expect((await tracesInTables(app, [MARKERS.firstName])).length).toBe(1);
    await app.work();
    expect(await tracesInTables(app, [MARKERS.firstName])).toEqual([]);
    expect(await app.ctx.db.select().from(chatHistory)).toEqual([]);
    expect(await app.ctx.db.select().from(sessions)).toEqual([]);
    const [receipt] = await app.ctx.db.select().from(erasures);
    const age = (receipt?.completedAt?.getTime() ?? 0) - (receipt?.erasedAt.getTime() ?? 0);
    expect(age).toBeGreaterThanOrEqual(5 * MINUTE_MS);
  });

  test("X4 an answer of the assistant that was being written finds no conversation to stand in", async () => {
    const app = await startTestApp();
    const person = await signInMarked(app);
    app.openRouter.faults.set("openrouter.pace", { mode: "pace", delayMs: 40, times: 1 });
    const asking = app.request("/editing/chat", { method: "POST", as: person, json: { message: MARKERS.message } });
    const stateOfTurn = async () => (await app.ctx.db.select().from(chatTurns))[0]?.state;
    while ((await stateOfTurn()) === undefined) await Bun.sleep(2);
    const working = app.work();
    while ((await stateOfTurn()) === "queued") await Bun.sleep(2);
    expect(await stateOfTurn()).toBe("running");
    expect((await erase(app, person)).status).toBe(200);
    await working;
    expect((await asking).status).toBeGreaterThanOrEqual(400);
    await app.work();
    expect(await tracesInTables(app, [MARKERS.message, MARKERS.telegramId])).toEqual([]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });
});
