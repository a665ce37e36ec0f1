import { beforeAll, describe, expect, test } from "bun:test";
import { desc, eq } from "drizzle-orm";
import { auditEntries } from "../../../src/features/audit/index.ts";
import { creditGrants, payments, refunds, verifyLedger } from "../../../src/features/billing/index.ts";
import { generations } from "../../../src/features/generations/index.ts";
import { personalTables } from "../../../src/features/privacy/index.ts";
import { users } from "../../../src/features/profile/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { type Person, useTestApp } from "../../support/app.ts";
import { paidFor } from "../../support/buying.ts";
import { balance, finish, order, ordered, uploadPhotos } from "../../support/fitting.ts";
import { admin, type Operators, OWNER_SETTING, signInOperators } from "../../support/operators.ts";

const shared = useTestApp({ settings: { ...OWNER_SETTING, FREE_ACTIONS_PER_MONTH: "3" } });
let team: Operators;
beforeAll(async () => {
  team = await signInOperators(shared());
});

type Answer = Record<string, unknown> & { items?: Record<string, unknown>[] };
const ask = (path: string, json?: unknown, as: Person = team.owner, headers = {}) =>
  admin<Answer>(shared(), as, path, json, headers);

/** Does something, and returns the entries of the audit trail that it left. */
async function trailOf(work: () => Promise<unknown>): Promise<(typeof auditEntries.$inferSelect)[]> {
  const before = new Set((await shared().ctx.db.select().from(auditEntries)).map((entry) => entry.id));
  await work();
  const after = await shared().ctx.db.select().from(auditEntries).orderBy(desc(auditEntries.id));
  return after.filter((entry) => !before.has(entry.id));
}

describe("what an operator does about people", () => {
  test("credits are given once for a key, with an entry in the trail beside the grant", async () => {
    const person = await shared().signIn();
    const body = { credits: 7, reason: "lost a picture" };
    const grant = () => ask(`/people/${person.id}/grant`, body, team.support, { "idempotency-key": `g-${person.id}` });
    const trail = await trailOf(async () => {
      expect((await grant()).body).toEqual({ credits: 7, balance: 7 });
      expect((await grant()).body).toEqual({ credits: 7, balance: 7 });
    });
    expect(await balance(shared(), person)).toMatchObject({ credits: 7 });
    expect(trail).toHaveLength(1);
    expect(trail[0]).toMatchObject({
      operatorId: team.support.id,
      action: "person.grant",
      personId: person.id,
      reason: "lost a picture",
      before: { balance: 0 },
      after: { balance: 7, credits: 7, kind: "gift", expires_on: null },
    });
    expect(trail[0]?.requestId).toMatch(/^[\w.-]{8,64}$/);
    for (const wrong of [
      { credits: 0 },
      { credits: 1.5 },
      { credits: 100_001 },
      { credits: 1, expires_on: "2020-01-01" },
      { credits: 1, expires_on: "2099-02-31" },
      { credits: 1, kind: "plan" },
    ]) {
      const refused = await trailOf(async () => {
        expect((await ask(`/people/${person.id}/grant`, { ...wrong, reason: "wrong one" })).status).toBe(422);
      });
      expect(refused).toEqual([]);
    }
    expect((await verifyLedger(shared().ctx)).differences).toEqual([]);
  });

  test("a blocked person is out at once, and in again after; operators cannot be blocked", async () => {
    const { request, signIn } = shared();
    const person = await signIn();
    const reason = "spam in prompts";
    const trail = await trailOf(async () => {
      expect((await ask(`/people/${person.id}/ban`, { reason }, team.support)).body).toMatchObject({ id: person.id });
      expect((await request("/profile", { as: person })).status).toBe(401);
      expect((await ask(`/people/${person.id}/ban`, { reason })).status).toBe(409);
      expect((await ask(`/people/${person.id}`)).body).toMatchObject({ ban_reason: reason, sessions: [] });
      expect((await ask(`/people?only=banned`)).body.items?.map((one) => one.id)).toContain(person.id);
      expect((await ask(`/people/${person.id}/unban`, { reason: "was a mistake" }, team.support)).status).toBe(200);
      expect((await ask(`/people/${person.id}/unban`, { reason: "was a mistake" })).status).toBe(409);
      for (const operator of [team.owner, team.viewer, team.support]) {
        expect((await ask(`/people/${operator.id}/ban`, { reason }, team.support)).body.code).toBe("forbidden");
      }
    });
    expect(trail.map((entry) => entry.action)).toEqual(["person.unban", "person.ban"]);
    expect(trail[1]).toMatchObject({ before: { banned: false, sessions: 1 }, after: { banned: true, sessions: 0 } });
    const back = await signIn({ telegramId: person.telegramId });
    expect((await request("/profile", { as: back })).status).toBe(200);
    const out = await trailOf(() => ask(`/people/${person.id}/logout`, { reason: "lost the phone" }, team.support));
    expect(out).toMatchObject([{ action: "person.logout", before: { sessions: 1 }, after: { sessions: 0 } }]);
    expect((await request("/profile", { as: back })).status).toBe(401);
  });

  test("a message goes out through the bot as plain text, and its words are not in the trail", async () => {
    const { ctx, signIn, telegram, work } = shared();
    const person = await signIn();
    telegram.start(person.telegramId);
    const text = "Look <b>here</b> {credits} *now*";
    const key = { "idempotency-key": `m-${person.id}` };
    const write = () => ask(`/people/${person.id}/message`, { text, reason: "asked by mail" }, team.support, key);
    const trail = await trailOf(async () => {
      expect((await write()).status).toBe(202);
      expect((await write()).status).toBe(202);
    });
    expect(trail).toMatchObject([{ action: "person.message", after: { characters: text.length } }]);
    expect(JSON.stringify(trail)).not.toContain("here");
    await work();
    const sent = telegram.messages(person.telegramId).filter((one) => one.from === "bot");
    expect(sent.map((one) => one.text)).toEqual([`From support:\n\n${text}`]);
    await ctx.db.update(users).set({ writeState: "blocked" }).where(eq(users.id, person.id));
    const refused = await trailOf(async () => {
      expect((await ask(`/people/${person.id}/message`, { text, reason: "once more" })).body.code).toBe(
        "bot_cannot_write",
      );
    });
    expect(refused).toEqual([]);
  });

  test("people are found by number, id, username and the beginning of a name in either alphabet, page by page", async () => {
    const { ctx, signIn } = shared();
    const zoya = await signIn({ firstName: "Зоя Ёлкина" });
    const others = [];
    for (let number = 0; number < 5; number += 1) others.push(await signIn({ firstName: `Ефросинья ${number}` }));
    const found = async (search: string) =>
      ((await ask(`/people?search=${encodeURIComponent(search)}`)).body.items ?? []).map((one) => one.id);
    expect(await found(String(zoya.telegramId))).toEqual([zoya.id]);
    expect(await found(zoya.id)).toEqual([zoya.id]);
    expect(await found("зоя е")).toEqual([zoya.id]);
    expect(await found("ЗОЯ")).toEqual([zoya.id]);
    expect(await found("оя")).toEqual([]);
    await ctx.db
      .update(users)
      .set({ username: "Zoya_1", usernameKey: Buffer.from("zoya_1").toString("hex") })
      .where(eq(users.id, zoya.id));
    expect(await found("@zoya")).toEqual([zoya.id]);
    expect(await found("@zoyax")).toEqual([]);
    const pages: unknown[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page += 1) {
      const { body } = await ask(`/people?search=${encodeURIComponent("ефрос")}&limit=2${cursor}`);
      pages.push(...(body.items ?? []).map((one) => one.id));
      cursor = `&cursor=${String(body.next_cursor)}`;
      expect(body.next_cursor === null).toBe(page === 2);
    }
    expect(pages).toEqual(others.map((one) => one.id));
  });
});

describe("what an operator does about money", () => {
  test("half a payment is given back as the preview says, once for a key, and the month's journal follows", async () => {
    const { ctx, signIn, yooKassa } = shared();
    const person = await signIn();
    const payment = await paidFor(shared(), person);
    const preview = (await ask(`/payments/${payment.id}/refund?amount_kopecks=19950`)).body;
    expect(preview).toMatchObject({
      amount_kopecks: 19_950,
      rest_kopecks: 19_950,
      credits_revoked: 30,
      tax_after_kopecks: 798,
    });
    const before = yooKassa.stats().refunds.length;
    const body = { amount_kopecks: 19_950, reason: "half unused" };
    const refund = () =>
      ask(`/payments/${payment.id}/refund`, body, team.owner, { "idempotency-key": "refund-key-of-1!" });
    const trail = await trailOf(async () => {
      const first = await refund();
      expect(first.body).toMatchObject({
        refund: { status: "succeeded", credits_revoked: 30 },
        payment: { refunded_kopecks: 19_950, tax_kopecks: 798 },
      });
      expect((await refund()).body).toEqual(first.body);
    });
    expect(trail).toMatchObject([
      {
        action: "payment.refund",
        personId: person.id,
        before: { refunded_kopecks: 0 },
        after: { amount_kopecks: 19_950, credits_revoked: 30 },
      },
    ]);
    expect(yooKassa.stats().refunds).toHaveLength(before + 1);
    const tooMuch = await trailOf(async () => {
      const { status, body: problem } = await ask(`/payments/${payment.id}/refund`, {
        amount_kopecks: 30_000,
        reason: "too much",
      });
      expect([status, problem.code]).toEqual([422, "validation_failed"]);
    });
    expect(tooMuch).toEqual([]);
    expect(await ctx.db.select().from(refunds).where(eq(refunds.paymentId, payment.id))).toHaveLength(1);
    const card = (await ask(`/payments/${payment.id}`)).body;
    expect(card).toMatchObject({ credits_left: 30, refundable_kopecks: 19_950 });
    expect((card.tax_entries as { state: string }[]).map((entry) => entry.state)).toEqual(["annulled", "ready"]);
    expect((await verifyLedger(ctx)).differences).toEqual([]);
  });

  test("a sale is marked as registered, and after its refund as annulled, each once", async () => {
    const { signIn } = shared();
    const payment = await paidFor(shared(), await signIn());
    const entry = ((await ask(`/payments/${payment.id}`)).body.tax_entries as { id: string }[])[0]?.id;
    const trail = await trailOf(async () => {
      const register = () => ask(`/tax/entries/${entry}/register`, { receipt: "20ab3kq9zx", reason: "by hand" });
      expect((await register()).body).toMatchObject({ state: "registered", receipt: "20ab3kq9zx" });
      expect((await register()).body.code).toBe("already_finished");
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body.code).toBe("already_finished");
      await ask(`/payments/${payment.id}/refund`, { amount_kopecks: payment.amountKopecks, reason: "all of it" });
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body).toMatchObject({
        state: "annulled",
        annul_due: false,
      });
      expect((await ask(`/tax/entries/${entry}/annul`, { reason: "by hand" })).body.code).toBe("already_finished");
    });
    expect(trail.map((one) => one.action)).toEqual(["tax.annul", "payment.refund", "tax.register"]);
    expect(trail[0]).toMatchObject({ before: { annul_due: true }, after: { annul_due: false } });
  });

  test("lists take their filters, and the CSV has every row once, nothing of it a formula", async () => {
    const { ctx, signIn, request } = shared();
    const person = await signIn();
    const paid = [await paidFor(shared(), person, "pack_20"), await paidFor(shared(), person, "pack_60")];
    await ctx.db
      .update(payments)
      .set({ cancelReason: '=HYPERLINK("http://x","y")', flagged: "+1,2" })
      .where(eq(payments.id, paid[0]?.id ?? ""));
    const ids = async (query: string) => ((await ask(`/payments?${query}`)).body.items ?? []).map((one) => one.id);
    expect(await ids(`person=${person.id}`)).toEqual([paid[1]?.id, paid[0]?.id]);
    expect(await ids(`person=${person.id}&product=pack_20`)).toEqual([paid[0]?.id]);
    expect(await ids(`person=${person.id}&status=pending`)).toEqual([]);
    expect(await ids(`person=${person.id}&from=2020-01-01&to=2020-12-31`)).toEqual([]);
    expect(await ids("flagged=true")).toEqual([paid[0]?.id]);
    expect(await ids("person=nobody")).toEqual([]);
    expect((await ask("/payments?from=2026-02-31")).body.code).toBe("validation_failed");
    const response = await request(`/admin/payments/export?person=${person.id}`, { as: team.owner });
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="payments.csv"');
    // Decoding takes the byte order mark away.
    const lines = (await response.text()).split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toStartWith("id,created_moscow,");
    expect(lines[2]).toContain(`"'=HYPERLINK(""http://x"",""y"")","'+1,2",yes`);
    expect(lines.slice(1, 3).map((line) => line.split(",")[0])).toEqual([paid[1]?.id, paid[0]?.id]);
  });
});

describe("what an operator does about work", () => {
  test("a stuck picture is ended through the one function that ends any, and comes back to its person", async () => {
    const { ctx, kie, signIn, work } = shared();
    const person = await signIn();
    kie.faults.set("kie.outcome", { mode: "never", times: 1 });
    const { id } = await ordered(shared(), person);
    const status = async () => (await ctx.db.select().from(generations).where(eq(generations.id, id)))[0]?.status;
    await work(async () => (await status()) === "running");
    const trail = await trailOf(async () => {
      const { body } = await ask(`/generations/${id}/release`, { reason: "stuck for an hour" }, team.support);
      expect(body).toMatchObject({ status: "failed", error: "internal_error" });
      expect((await ask(`/generations/${id}/release`, { reason: "stuck for an hour" })).body.code).toBe(
        "already_finished",
      );
    });
    expect(trail).toMatchObject([
      { action: "generation.release", before: { status: "running" }, after: { status: "failed" } },
    ]);
    expect((await ask(`/generations/${id}`)).body).toMatchObject({ hold: { state: "released" } });
    expect((await ask(`/generations?status=failed&error=internal_error&person=${person.id}`)).body.items).toHaveLength(
      1,
    );
    expect((await verifyLedger(ctx)).differences).toEqual([]);
    const again = await trailOf(async () => {
      const key = { "idempotency-key": `r-${id}` };
      const made = await ask(`/generations/${id}/retry`, { reason: "try once more" }, team.support, key);
      const repeated = await ask(`/generations/${id}/retry`, { reason: "try once more" }, team.support, key);
      expect(repeated.body.id).toBe(made.body.id);
      expect(made.status).toBe(202);
      expect(await finish(shared(), person, String(made.body.id))).toMatchObject({ status: "succeeded" });
      expect((await ask(`/generations/${String(made.body.id)}/retry`, { reason: "again" })).body.code).toBe(
        "already_finished",
      );
    });
    expect(again.map((one) => one.action)).toEqual(["generation.retry"]);
    expect((await verifyLedger(ctx)).differences).toEqual([]);
  });

  test("a retry that the person cannot pay for changes nothing", async () => {
    const { ctx, signIn, work } = shared();
    const person = await signIn();
    const photos = await uploadPhotos(shared(), person);
    for (let number = 0; number < 3; number += 1) await order(shared(), person, photos);
    await work();
    const [done] = await ctx.db.select().from(generations).where(eq(generations.userId, person.id));
    await ctx.db
      .update(generations)
      .set({ status: "failed", errorCode: "timed_out" })
      .where(eq(generations.id, done?.id ?? ""));
    const trail = await trailOf(async () => {
      const { status } = await ask(`/generations/${done?.id}/retry`, { reason: "cannot pay" });
      expect(status).toBe(402);
    });
    expect(trail).toEqual([]);
  });

  test("a dead letter runs again, a waiting job is parked, and all of a kind run again", async () => {
    const { ctx } = shared();
    const ids = [newId(), newId(), newId()];
    for (const id of ids) {
      await ctx.transaction((tx) =>
        enqueue(tx, "test.nothing", {}, { uniqueKey: id, runAt: new Date(Date.now() + 1e9) }),
      );
    }
    const rows = await ctx.db.select().from(jobs).where(eq(jobs.kind, "test.nothing"));
    const [first = "", second = ""] = rows.map((job) => job.id);
    const reason = "waits for support";
    const trail = await trailOf(async () => {
      expect((await ask(`/queue/jobs/${first}/park`, { reason })).body).toMatchObject({ state: "parked" });
      expect((await ask(`/queue/jobs/${first}/park`, { reason })).body.code).toBe("already_finished");
      await ask(`/queue/jobs/${second}/park`, { reason });
      const parked = await ask("/queue/jobs?state=parked&kind=test.nothing");
      expect(parked.body.items?.map((one) => one.id)).toEqual([second, first].toSorted().toReversed());
      expect((await ask("/queue")).body).toMatchObject({ parked: 2 });
      expect((await ask(`/queue/jobs/${first}/retry`, { reason: "mended" })).body).toMatchObject({
        state: "ready",
        failures: 0,
      });
      expect((await ask("/queue/retry", { kind: "test.nothing", reason: "mended" })).body).toEqual({ jobs: 1 });
    });
    expect(trail.map((one) => one.action)).toEqual(["jobs.retry_parked", "job.retry", "job.park", "job.park"]);
    await ctx.db.delete(jobs).where(eq(jobs.kind, "test.nothing"));
  });
});

describe("the audit trail", () => {
  test("has filters and pages, names who did what, and no change stands in it without a reason", async () => {
    const { body } = await ask(`/audit?operator=${team.support.id}&limit=3`, undefined, team.support);
    expect(body.items?.length).toBe(3);
    for (const entry of body.items ?? []) expect(entry.operator).toMatchObject({ id: team.support.id, name: "Semyon" });
    const next = await ask(`/audit?operator=${team.support.id}&limit=3&cursor=${String(body.next_cursor)}`);
    expect(next.body.items?.some((one) => body.items?.some((other) => other.id === one.id))).toBe(false);
    expect((await ask("/audit?operator=nobody")).body.code).toBe("validation_failed");
    const grants = await ask("/audit?action=person.grant");
    expect(new Set(grants.body.items?.map((one) => one.action))).toEqual(new Set(["person.grant"]));
    const all = await shared().ctx.db.select().from(auditEntries);
    expect(all.filter((entry) => entry.reason.trim().length < 3)).toEqual([]);
  });

  test("keeps what was done about a person who erases themselves, without the words", async () => {
    const { ctx, request, signIn } = shared();
    const person = await signIn();
    await ask(`/people/${person.id}/grant`, { credits: 3, reason: "a word about Zelda" });
    await request("/profile", { method: "DELETE", as: person, json: { confirm: "erase" } });
    const [entry] = await ctx.db.select().from(auditEntries).where(eq(auditEntries.personId, person.id));
    expect(personalTables.some((one) => one.table === auditEntries)).toBe(true);
    expect(entry).toMatchObject({ action: "person.grant", reason: "", before: null, after: null });
    expect(await ctx.db.$count(creditGrants, eq(creditGrants.userId, person.id))).toBe(1);
    expect((await ask(`/people/${person.id}`)).body).toMatchObject({ person: { telegram_id: null, name: "" } });
    expect((await ask(`/people/${person.id}/grant`, { credits: 3, reason: "too late" })).status).toBe(404);
  });
});
