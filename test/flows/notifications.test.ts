import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { grantCredits, payments, refundPayment } from "../../src/features/billing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import { notify, ownerAlerts, tellOwner } from "../../src/features/notifications/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { isConnected } from "../../src/platform/live/presence.ts";
import { connect, cut } from "../features/live/live-client.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { outboxOf, signInWith, writeState, written } from "../support/bot.ts";
import { finish, ordered } from "../support/fitting.ts";
import { until } from "../support/until.ts";

const plain = (text: string | undefined) => text?.replaceAll(/[\u00a0\u202f]/g, " ");

async function bytesOf(app: TestApp, fileId: string | null | undefined): Promise<Uint8Array> {
  const [row] = await app.ctx.db
    .select()
    .from(files)
    .where(eq(files.id, fileId ?? ""));
  return (await (await app.ctx.storage.read(row?.storageKey ?? ""))?.content()) ?? new Uint8Array();
}

async function rowOf(app: TestApp, id: string) {
  const [row] = await app.ctx.db.select().from(generations).where(eq(generations.id, id));
  if (!row) throw new Error("there is no such generation");
  return row;
}

async function made(app: TestApp, person: Person) {
  const { id } = await ordered(app, person);
  return finish(app, person, id);
}

/** Buys a pack and pays for it; `work` then does what follows. */
async function pay(app: TestApp, person: Person) {
  const answer = await app.request("/payments/create", { method: "POST", as: person, json: { product: "pack_20" } });
  const { payment } = (await answer.json()) as { payment: { id: string } };
  const [row] = await app.ctx.db.select().from(payments).where(eq(payments.id, payment.id));
  const object = app.yooKassa.pay(row?.yookassaId ?? "");
  const json = { type: "notification", event: "payment.succeeded", object };
  expect((await app.request("/payments/webhook", { method: "POST", json })).status).toBe(200);
  return payment.id;
}

const send = (app: TestApp, person: Person, id: string, key?: string) =>
  app.request(`/generations/${id}/send`, {
    method: "POST",
    as: person,
    headers: key === undefined ? {} : { "idempotency-key": key },
  });

describe("the end of a picture", () => {
  test("X8 reaches a free person without a socket as a document: the watermarked copy, byte for byte, and never the clean one", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    const view = await made(app, person);
    expect(view).toMatchObject({ status: "succeeded", watermarked: true });
    await app.work();
    const [message, ...more] = written(app, person);
    expect(more).toEqual([]);
    expect(message?.text).toBe("Your picture is ready.");
    const row = await rowOf(app, view.id);
    expect(message?.attachment).toMatchObject({
      kind: "document",
      name: `atelier-${row.markedFileId}.jpg`,
      mime: "image/jpeg",
    });
    const sent = app.telegram.file(message?.attachment?.fileId ?? "")?.bytes ?? new Uint8Array();
    expect(Buffer.compare(sent, await bytesOf(app, row.markedFileId))).toBe(0);
    expect(Buffer.compare(sent, await bytesOf(app, row.imageFileId))).not.toBe(0);
  });

  test("is the clean copy for whoever pays with credits", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await signInWith(app, "started");
    await grantCredits(app.ctx, { userId: person.id, kind: "pack", credits: 50, source: "test:clean" });
    const view = await made(app, person);
    await app.work();
    const [message] = written(app, person);
    const sent = app.telegram.file(message?.attachment?.fileId ?? "")?.bytes ?? new Uint8Array();
    expect(Buffer.compare(sent, await bytesOf(app, (await rowOf(app, view.id)).imageFileId))).toBe(0);
  });

  test("X8 a row that names the clean file, or somebody else's, is dropped before anything leaves", async () => {
    const app = await startTestApp();
    const [person, other] = [await signInWith(app, "started"), await signInWith(app, "started")];
    await app.ctx.db.update(users).set({ notifyResults: false }).where(eq(users.id, person.id));
    const row = await rowOf(app, (await made(app, person)).id);
    for (const [to, documentFileId] of [
      [person, row.imageFileId],
      [other, row.markedFileId],
    ] as const) {
      await app.ctx.transaction((tx) =>
        notify(tx, {
          userId: to.id,
          message: { key: "promo_credits", parameters: { credits: 1 } },
          about: "x8",
          documentFileId: documentFileId ?? "",
        }).then(() => undefined),
      );
    }
    await app.work();
    expect(app.telegram.stats().calls).toEqual([]);
    for (const to of [person, other]) {
      expect(await outboxOf(app, to)).toMatchObject([{ state: "dropped", reason: "picture_gone" }]);
    }
  });

  test("is not told by the bot to somebody whose socket is open, and is again once it is closed", async () => {
    const app = await startTestApp();
    const port = await app.listen();
    const person = await signInWith(app, "started");
    const client = await connect(app, port, person);
    await until(() => isConnected(app.ctx, person.id), "the socket is known to be open");
    await made(app, person);
    await app.work();
    expect(written(app, person)).toEqual([]);
    cut(client);
    await until(async () => !(await isConnected(app.ctx, person.id)), "the socket is known to be closed");
    await made(app, person);
    await app.work();
    expect(written(app, person)).toHaveLength(1);
  });

  test("that failed is told with its reason and that nothing was charged; one that was cancelled is not", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started", { languageCode: "ru" });
    app.kie.faults.set("kie.outcome", { mode: "moderated", times: 1 });
    const view = await made(app, person);
    expect(view.status).toBe("failed");
    const cancelled = await ordered(app, person);
    await app.request(`/generations/${cancelled.id}/cancel`, { method: "POST", as: person });
    await app.work();
    const texts = written(app, person).map((message) => message.text);
    expect(texts).toHaveLength(1);
    expect(texts[0]).toStartWith("Картинку сделать не удалось. ");
    expect(texts[0]).toEndWith("С вас ничего не списано.");
    expect(texts[0]).toContain(view.error?.detail ?? "nothing");
  });

  test("is not sent when its picture was deleted in the meantime", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    const view = await made(app, person);
    await app.request(`/generations/${view.id}`, { method: "DELETE", as: person });
    await app.work();
    expect(written(app, person)).toEqual([]);
  });
});

describe("T7 a picture on request", () => {
  test("T7 X8 goes to the chat as a document, once for a key, and again for another one", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await app.request("/profile", { method: "PATCH", as: person, json: { notify_results: false } });
    const view = await made(app, person);
    const first = await send(app, person, view.id, "tap-1");
    expect([first.status, await first.json()]).toEqual([202, { status: "queued" }]);
    const again = await send(app, person, view.id, "tap-1");
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
    // A second tap while it is on its way.
    expect((await send(app, person, view.id)).status).toBe(202);
    await app.work();
    expect(written(app, person)).toHaveLength(1);
    const row = await rowOf(app, view.id);
    const [message] = written(app, person);
    const sent = app.telegram.file(message?.attachment?.fileId ?? "")?.bytes ?? new Uint8Array();
    expect(Buffer.compare(sent, await bytesOf(app, row.markedFileId))).toBe(0);
    expect((await send(app, person, view.id, "tap-2")).status).toBe(202);
    await app.work();
    expect(written(app, person)).toHaveLength(2);
  });

  test("T6 is refused while the bot may not write, with what to do, and nothing is attempted", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "never_started");
    const view = await made(app, person);
    await app.work();
    expect(await writeState(app, person)).toBe("needs_start");
    const calls = app.telegram.stats().calls.length;
    const answer = await send(app, person, view.id);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      code: "bot_cannot_write",
      telegram_write_state: "needs_start",
      bot_link: `https://t.me/${app.telegram.botName}?start=app`,
    });
    await app.work();
    expect(app.telegram.stats().calls.length).toBe(calls);
  });

  test("is refused where there is none: in work, failed, past its time, or somebody else's", async () => {
    const app = await startTestApp();
    const [person, other] = [await signInWith(app, "started"), await signInWith(app, "started")];
    const refusal = async (id: string, as = person) => {
      const answer = await send(app, as, id);
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    const queued = await ordered(app, person);
    expect(await refusal(queued.id)).toEqual([409, "generation_active"]);
    await app.request(`/generations/${queued.id}/cancel`, { method: "POST", as: person });
    expect(await refusal(queued.id)).toEqual([404, "not_found"]);
    const view = await made(app, person);
    expect(await refusal(view.id, other)).toEqual([404, "not_found"]);
    expect(await refusal("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")).toEqual([404, "not_found"]);
    await app.work();
    app.clock.advance(91 * DAY_MS);
    const later = await app.signIn({ telegramId: person.telegramId });
    expect(await refusal(view.id, later)).toEqual([410, "photo_expired"]);
    expect((await app.request(`/generations/${view.id}/send`, { method: "POST" })).status).toBe(401);
  });

  test("is refused beyond what one chat can take in a while", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await app.request("/profile", { method: "PATCH", as: person, json: { notify_results: false } });
    const view = await made(app, person);
    await app.work();
    for (let count = 0; count < 10; count += 1) {
      await app.ctx.transaction((tx) =>
        notify(tx, {
          userId: person.id,
          message: { key: "promo_credits", parameters: { credits: 1 } },
          about: `flood:${count}`,
        }),
      );
    }
    const answer = await send(app, person, view.id);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "10"]);
  });
});

describe("P14 money and messages", () => {
  test("P14 with Telegram down the payment is committed and credited, and its message waits and arrives later, once", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    app.telegram.faults.set("telegram.edge", { mode: "edge_1010" });
    const id = await pay(app, person);
    const startedAt = app.clock.now().getTime();
    await app.work(async () => app.clock.now().getTime() > startedAt + 2 * MINUTE_MS);
    const balance = (await (await app.request("/balance", { as: person })).json()) as { credits: number };
    expect(balance.credits).toBe(20);
    expect(await (await app.request(`/payments/${id}`, { as: person })).json()).toMatchObject({ status: "succeeded" });
    expect(await outboxOf(app, person)).toMatchObject([{ key: "payment_succeeded", state: "waiting" }]);
    expect(written(app, person)).toEqual([]);
    app.telegram.faults.clear("telegram.edge");
    await app.work();
    expect(written(app, person).map((message) => plain(message.text))).toEqual([
      "Paid: 149 ₽. You got 20 credits. Thank you!",
    ]);
  });

  test("each refund is told with its own amount", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started", { languageCode: "ru" });
    const id = await pay(app, person);
    await app.work();
    for (const amountKopecks of [4_900, 10_000]) {
      const [payment] = await app.ctx.db.select().from(payments).where(eq(payments.id, id));
      if (!payment) throw new Error("the payment is gone");
      await refundPayment(app.ctx, { payment, amountKopecks, reason: "test" });
      await app.work();
    }
    const texts = written(app, person).map((message) => plain(message.text) ?? "");
    expect(texts.map((text) => /\d+ ₽/.exec(text)?.[0])).toEqual(["149 ₽", "49 ₽", "100 ₽"]);
  });

  test("a balance that pays for no try-on any more is told once after each grant", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await signInWith(app, "started");
    const grant = (credits: number) =>
      grantCredits(app.ctx, { userId: person.id, kind: "pack", credits, source: `test:${credits}` });
    const low = async () => {
      await app.work();
      return (await outboxOf(app, person)).filter((row) => row.key === "low_balance").length;
    };
    await grant(5);
    await made(app, person);
    expect(await low()).toBe(0);
    await made(app, person);
    expect(await low()).toBe(1);
    await grant(3);
    await made(app, person);
    expect(await low()).toBe(1);
    await made(app, person);
    expect(await low()).toBe(2);
  });
});

describe("T5 the owner", () => {
  const OWNERS = [7_700_001, 7_700_002];
  const alert = (app: TestApp, reason: string) =>
    app.ctx.transaction((tx) => tellOwner(tx, { level: "warning", reason, details: { job_id: "a-1" } }));

  test("T5 hears of a reason at most once an hour, with the number of those held back, and all stand in the log and the table", async () => {
    const app = await startTestApp({ settings: { ADMIN_TELEGRAM_IDS: OWNERS.join(",") } });
    for (const id of OWNERS) app.telegram.person(id, { state: "started" });
    const heard = (id = OWNERS[0] ?? 0) => written(app, { telegramId: id }).map((message) => message.text);
    for (let count = 0; count < 6; count += 1) await alert(app, "kie_out_of_funds");
    await alert(app, "another_reason");
    await app.work();
    expect(heard()).toHaveLength(2);
    expect(heard(OWNERS[1])).toHaveLength(2);
    expect(heard().join()).toContain("kie_out_of_funds");
    expect(heard().join()).toContain('{"job_id":"a-1"}');

    app.clock.advance(HOUR_MS - MINUTE_MS);
    await alert(app, "kie_out_of_funds");
    await app.work();
    expect(heard()).toHaveLength(2);
    app.clock.advance(2 * MINUTE_MS);
    await alert(app, "kie_out_of_funds");
    await app.work();
    expect(heard()).toHaveLength(3);
    expect(plain(heard()[2])).toContain("ещё 6 раз");
    app.clock.advance(2 * HOUR_MS);
    await alert(app, "kie_out_of_funds");
    await app.work();
    expect(heard()[3]).not.toContain("ещё");

    expect(await app.ctx.db.select().from(ownerAlerts)).toHaveLength(10);
    expect(app.logLines.filter((line) => line.includes("the owner has to look at this"))).toHaveLength(10);
  });

  test("who stopped the bot makes no circle of alerts about alerts", async () => {
    const app = await startTestApp({ settings: { ADMIN_TELEGRAM_IDS: String(OWNERS[0]) } });
    app.telegram.person(OWNERS[0] ?? 0, { state: "started" });
    app.telegram.faults.set("telegram.send", { mode: "http_400_entities" });
    await alert(app, "kie_out_of_funds");
    await app.work();
    expect(app.telegram.stats().calls).toHaveLength(1);
    expect(await app.ctx.db.select().from(ownerAlerts)).toHaveLength(1);
  });

  test("without ids set is told by the log alone", async () => {
    const app = await startTestApp();
    await alert(app, "kie_out_of_funds");
    await app.work();
    expect(app.telegram.stats().calls).toEqual([]);
    expect(app.logLines.join()).toContain("kie_out_of_funds");
  });
});
