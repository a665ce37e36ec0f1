import { describe, expect, test } from "bun:test";
import { desc } from "drizzle-orm";
import { auditEntries } from "../../src/features/audit/index.ts";
import { operatorLinks } from "../../src/features/auth/tables.ts";
import { payments, verifyLedger } from "../../src/features/billing/index.ts";
import { chatHistory, chatTurns, forgetOldConversations } from "../../src/features/editing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { type Person, startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { admin } from "../support/operators.ts";
import { runProgram, settingsOf } from "./program.ts";

const PUBLIC_URL = "https://app.example.org";
// The commands use the machine's clock, so the product beside them does too.
const app = await startTestApp({ clock: createTestClock(new Date()) });
const run = (words: string[], more: Record<string, string> = {}) =>
  runProgram(["user", "admin", ...words], { environment: { ...settingsOf(app.database), PUBLIC_URL, ...more } });
const signInBy = (token: string) =>
  admin<{ access_token?: string; code?: string }>(app, undefined, "/sign-in", { token });
const linkFor = async (person: Person) => {
  const { code, out } = await run([String(person.telegramId), "--link"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^https:\/\/app\.example\.org\/admin#link=[\w-]{43}\n$/);
  return out.trim().split("#link=")[1] ?? "";
};

describe("atelier user admin", () => {
  test("gives a role, another one, takes it away, and writes down each with its reason", async () => {
    const person = await app.signIn();
    const id = String(person.telegramId);
    expect((await run([id])).out).toBe(`${id} is no operator.\n`);
    expect((await run([id, "--role", "viewer", "--reason", "an  accountant"])).out).toBe(
      `${id} was no operator and is viewer now.\n`,
    );
    expect((await admin(app, person, "/me")).body).toMatchObject({ role: "viewer" });
    expect((await run([id, "--role", "support"])).out).toBe(`${id} was viewer and is support now.\n`);
    expect((await run([id, "--role", "none"])).out).toBe(`${id} was support and is no operator now.\n`);
    expect((await admin(app, person, "/me")).status).toBe(403);
    const trail = await app.ctx.db.select().from(auditEntries).orderBy(desc(auditEntries.id)).limit(3);
    expect(trail.map((entry) => [entry.operatorId, entry.action, entry.reason, entry.after])).toEqual([
      [null, "operator.role", "by the owner's command", { role: null }],
      [null, "operator.role", "by the owner's command", { role: "support" }],
      [null, "operator.role", "an accountant", { role: "viewer" }],
    ]);
  });

  test("says that whom the setting names stays an owner", async () => {
    const person = await app.signIn();
    const id = String(person.telegramId);
    const { out } = await run([id, "--role", "none"], { ADMIN_TELEGRAM_IDS: id });
    expect(out).toContain("is owner now.\nADMIN_TELEGRAM_IDS names them");
  });

  test("refuses strangers, wrong roles, and a link for somebody without a role", async () => {
    const person = await app.signIn();
    for (const words of [["1"], [String(person.telegramId), "--role", "king"], [String(person.telegramId), "--link"]]) {
      const { code, out, err } = await run(words);
      expect({ words, code, out }).toEqual({ words, code: 2, out: "" });
      expect(err.length).toBeGreaterThan(10);
    }
  });

  test("prints a link that signs its operator in once, within ten minutes, and is kept as a hash only", async () => {
    const person = await app.signIn();
    await run([String(person.telegramId), "--role", "support"]);
    const token = await linkFor(person);
    expect(JSON.stringify(await app.ctx.db.select().from(operatorLinks))).not.toContain(token);
    const { status, body } = await signInBy(token);
    expect(status).toBe(200);
    const me = await admin(app, { ...person, token: body.access_token ?? "" }, "/me");
    expect(me.body).toMatchObject({ role: "support", person: { id: person.id } });
    expect((await signInBy(token)).body.code).toBe("unauthenticated");
    for (const wrong of ["x", "x".repeat(43)]) expect((await signInBy(wrong)).body.code).toBe("unauthenticated");

    const [replaced, late, revoked] = [await linkFor(person), await linkFor(person), ""];
    expect([(await signInBy(replaced)).body.code, revoked]).toEqual(["unauthenticated", ""]);
    const now = app.clock.now();
    app.clock.advance(11 * MINUTE_MS);
    expect((await signInBy(late)).body.code).toBe("unauthenticated");
    app.clock.set(now);
    const lost = await linkFor(person);
    await run([String(person.telegramId), "--role", "none"]);
    expect((await signInBy(lost)).body.code).toBe("unauthenticated");
    expect(app.logLines.join("\n")).not.toContain(token);
  });
});

describe("atelier seed", () => {
  test("fills an empty database with people whose ledger adds up, and touches no other", async () => {
    const words = [
      "seed",
      "--people",
      "30",
      "--payments",
      "40",
      "--generations",
      "120",
      "--turns",
      "200",
      "--days",
      "60",
    ];
    const beside = await runProgram(words, { environment: settingsOf(app.database) });
    expect({ code: beside.code, out: beside.out }).toEqual({ code: 2, out: "" });
    expect(beside.err).toContain("There are people in this database");

    const empty = await startTestApp({ clock: createTestClock(new Date()) });
    const environment = settingsOf(empty.database);
    const live = await runProgram(words, {
      environment: { ...environment, YOOKASSA_SHOP_ID: "1", YOOKASSA_SECRET_KEY: "live_x" },
    });
    expect([live.code, await empty.ctx.db.$count(users)]).toEqual([2, 0]);
    const { code, out } = await runProgram(words, { environment });
    expect([code, out]).toEqual([
      0,
      expect.stringContaining("Made up 30 people with 40 payments, 120 pictures and 200 questions"),
    ]);
    expect([
      await empty.ctx.db.$count(users),
      await empty.ctx.db.$count(payments),
      await empty.ctx.db.$count(generations),
      await empty.ctx.db.$count(chatTurns),
    ]).toEqual([30, 40, 120, 200]);
    // Older words are gone, and what is there is not past its time yet.
    const talks = await empty.ctx.db.select().from(chatHistory);
    expect(talks.length).toBeGreaterThan(0);
    expect(await forgetOldConversations(empty.ctx, 1_000)).toBe(0);
    expect((await verifyLedger(empty.ctx)).differences).toEqual([]);
    const reachable = (await empty.ctx.db.select().from(users)).filter((user) => user.writeState !== "needs_start");
    expect(reachable).toEqual([]);
  });
});
