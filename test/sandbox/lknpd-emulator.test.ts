import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LknpdEmulator, startLknpdEmulator } from "../../src/sandbox/lknpd.ts";
import { createTestClock } from "../support/clock.ts";

const ACCEPT = "application/json, text/plain, */*";
const clock = createTestClock("2026-11-18T09:00:00.000Z");
let emulator: LknpdEmulator;
beforeAll(async () => {
  emulator = await startLknpdEmulator({ clock });
});
afterAll(() => emulator.stop());

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function ask(path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(emulator.origin + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { accept: ACCEPT, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const device = (id = "device00000000000000a") => ({
  deviceInfo: { sourceType: "WEB", sourceDeviceId: id, appVersion: "1.0.0", metaDetails: { userAgent: "x" } },
});

async function logIn(who: { inn: string; password: string } = emulator): Promise<Record<string, string>> {
  const { body } = await ask("/api/v1/auth/lkfl", { username: who.inn, password: who.password, ...device() });
  return { authorization: `Bearer ${body.token}` };
}

const sale = (more: object = {}) => ({
  operationTime: "2026-11-18T11:00:00+03:00",
  requestTime: "2026-11-18T11:59:00+03:00",
  services: [{ name: "x", amount: 149, quantity: 1 }],
  totalAmount: "149.00",
  client: { contactPhone: null, displayName: null, incomeType: "FROM_INDIVIDUAL", inn: null },
  paymentType: "CASH",
  ignoreMaxTotalIncomeRestriction: false,
  ...more,
});

describe("logins", () => {
  test("by username and not by inn; an hour long; renewed without rotation, the old token good to its end", async () => {
    expect(
      await ask("/api/v1/auth/lkfl", { inn: emulator.inn, password: emulator.password, ...device() }),
    ).toMatchObject({
      status: 422,
      body: { message: "Не передан ИНН ЛКФЛ" },
    });
    const { body } = await ask("/api/v1/auth/lkfl", {
      username: emulator.inn,
      password: emulator.password,
      ...device(),
    });
    expect(body).toMatchObject({ refreshTokenExpiresIn: null, profile: { inn: emulator.inn } });
    expect(body.tokenExpireIn).toBe("2026-11-18T10:00:00.000Z");
    const renew = () => ask("/api/v1/auth/token", { refreshToken: body.refreshToken, ...device() });
    emulator.advance(30 * 60_000);
    const second = await renew();
    expect(second.body).not.toHaveProperty("refreshToken");
    expect(second.body).not.toHaveProperty("profile");
    const user = (token: unknown) => ask("/api/v1/user", undefined, { authorization: `Bearer ${token}` });
    expect([(await user(body.token)).status, (await user(second.body.token)).status]).toEqual([200, 200]);
    emulator.advance(31 * 60_000);
    expect([(await user(body.token)).status, (await user(second.body.token)).status]).toEqual([401, 200]);
    expect((await renew()).status).toBe(200);
    expect((await ask("/api/v1/auth/token", { refreshToken: body.refreshToken, ...device("another") })).status).toBe(
      401,
    );
  });

  test("a blocked device is shut out, also with a token; a wrong password is refused", async () => {
    const headers = await logIn();
    emulator.configure({ blockedDevices: ["device00000000000000a"] });
    const login = { username: emulator.inn, password: emulator.password };
    expect(await ask("/api/v1/auth/lkfl", { ...login, ...device() })).toMatchObject({
      status: 401,
      body: { code: "authentication.failed", message: "Устройство заблокировано" },
    });
    expect((await ask("/api/v1/user", undefined, headers)).status).toBe(401);
    emulator.configure({ blockedDevices: [] });
    expect((await ask("/api/v1/auth/lkfl", { ...login, password: "x", ...device() })).status).toBe(422);
  });

  test("by SMS: a code of 120 s, no second one before, each good once", async () => {
    const phone = "79000000000";
    const start = () => ask("/api/v2/auth/challenge/sms/start", { phone, requireTpToBeActive: true });
    const { body } = await start();
    expect(body).toMatchObject({ expireIn: 120 });
    expect((await start()).status).toBe(422);
    const code = ((await ask("/_sms", { phone })).body as { code: string }).code;
    const verify = (typed: string, token = body.challengeToken) =>
      ask("/api/v1/auth/challenge/sms/verify", { phone, code: typed, challengeToken: token, ...device() });
    expect((await verify("000000")).status).toBe(401);
    expect(await verify(code)).toMatchObject({ status: 200, body: { profile: { inn: emulator.inn } } });
    expect((await verify(code)).status).toBe(401);
    const again = await start();
    const late = ((await ask("/_sms", { phone })).body as { code: string }).code;
    emulator.advance(121_000);
    expect((await verify(late, again.body.challengeToken)).status).toBe(401);
    expect((await ask("/api/v2/auth/challenge/sms/start", { phone: "123" })).status).toBe(422);
  });

  test("the wrong Accept is answered with 406, an unknown path with a bare text", async () => {
    expect((await ask("/api/v1/user", undefined, { accept: "text/html" })).status).toBe(406);
    expect(await ask("/api/v1/nowhere", undefined, await logIn())).toMatchObject({
      status: 404,
      body: "не найдено" as never,
    });
  });
});

describe("receipts", () => {
  const wrong: [string, object][] = [
    ["a total that is not the sum", { totalAmount: "148.99" }],
    ["three digits behind the point", { services: [{ name: "x", amount: 149.001, quantity: 1 }] }],
    ["no service", { services: [], totalAmount: "0.00" }],
    ["half a piece", { services: [{ name: "x", amount: 149, quantity: 0.5 }] }],
    ["a name of 257 characters", { services: [{ name: "я".repeat(257), amount: 149, quantity: 1 }] }],
    ["no sum", { services: [{ name: "x", amount: 0, quantity: 1 }], totalAmount: "0.00" }],
    ["a bare date", { operationTime: "2026-11-18" }],
    ["the future", { operationTime: "2026-12-18T11:00:00+03:00" }],
    ["a company without its INN", { client: { incomeType: "FROM_LEGAL_ENTITY", displayName: "ООО", inn: null } }],
    ["a foreign one without a name", { client: { incomeType: "FROM_FOREIGN_AGENCY", inn: null } }],
    ["another way to pay", { paymentType: "WIRE" }],
  ];
  for (const [what, more] of wrong) {
    test(`a sale with ${what} is refused`, async () => {
      const before = emulator.stats().counts.receipts;
      expect(await ask("/api/v1/income", sale(more), await logIn())).toMatchObject({
        status: 400,
        body: { code: "validation.failed" },
      });
      expect(emulator.stats().counts.receipts).toBe(before);
    });
  }

  test("show money as numbers, their registration in Z with odd decimals, and belong to their taxpayer", async () => {
    const headers = await logIn();
    const { body } = await ask("/api/v1/income", sale({ totalAmount: 149 }), headers);
    const number = String(body.approvedReceiptUuid);
    const json = await ask(`/api/v1/receipt/${emulator.inn}/${number}/json`, undefined, headers);
    expect(json.body).toMatchObject({
      receiptId: number,
      totalAmount: 149,
      operationTime: "2026-11-18T11:00:00+03:00",
    });
    expect(json.body.registerTime).toMatch(/^2026-11-18T\d\d:\d\d:\d\d\.\d{4,6}Z$/);
    expect((await ask(`/api/v1/receipt/${emulator.inn}/${number}/json`)).body).toMatchObject({
      code: "Not Authenticated",
    });
    const other = await logIn(emulator.other);
    expect((await ask(`/api/v1/receipt/${emulator.inn}/${number}/json`, undefined, other)).status).toBe(422);
    expect((await ask("/api/v1/incomes", undefined, other)).body).toMatchObject({ content: [] });
    const stolen = {
      receiptUuid: number,
      comment: "Возврат средств",
      operationTime: "2026-11-18T12:00:00+03:00",
      requestTime: "2026-11-18T12:00:00+03:00",
    };
    expect((await ask("/api/v1/cancel", stolen, other)).body).toMatchObject({ code: "receipt.not.found" });
  });

  test("lists have filters, pages and an order", async () => {
    const fresh = await startLknpdEmulator({ clock });
    for (const [n, at] of ["10:00:00", "10:00:01", "10:00:02"].entries()) {
      fresh.register({ name: `n${n}`, amount: `${3 - n}.00`, at: `2026-11-17T${at}+03:00` });
    }
    const [first] = fresh.stats().receipts;
    fresh.annul(String(first?.approvedReceiptUuid));
    const login = await fetch(`${fresh.url}/auth/lkfl`, {
      method: "POST",
      body: JSON.stringify({ username: fresh.inn, password: fresh.password, ...device() }),
    });
    const { token } = (await login.json()) as { token: string };
    const names = async (query: string) => {
      const response = await fetch(`${fresh.url}/incomes?${query}`, { headers: { authorization: `Bearer ${token}` } });
      const body = (await response.json()) as { content?: { name: string }[]; hasMore?: boolean };
      return body.content === undefined ? response.status : [body.content.map(({ name }) => name).join(), body.hasMore];
    };
    expect(await names("sortBy=operation_time:asc&limit=2")).toEqual(["n0,n1", true]);
    expect(await names("sortBy=operation_time:asc&limit=2&offset=2")).toEqual(["n2", false]);
    expect(await names("sortBy=total_amount:asc")).toEqual(["n2,n1,n0", false]);
    expect(await names("receiptType=CANCELLED")).toEqual(["n0", false]);
    expect(await names("receiptType=REGISTERED")).toEqual(["n2,n1", false]);
    expect(await names("buyerType=COMPANY")).toEqual(["", false]);
    const at = (time: string) => encodeURIComponent(`2026-11-17T${time}.000+03:00`);
    expect(await names(`from=${at("10:00:01")}&to=${at("10:00:01")}`)).toEqual(["n1", false]);
    expect(await names("limit=101")).toBe(400);
    expect(await names("from=2026-11-17&to=2026-11-18")).toBe(500);
    await fresh.stop();
  });

  test("the year's limit counts what stands; a month's bill knows rates, deduction and annulments", async () => {
    const fresh = await startLknpdEmulator({ clock });
    fresh.configure({ yearLimitKopecks: 30_000_00, deductionKopecks: 150_00 });
    fresh.register({ name: "a", amount: "10000.00", at: "2026-10-31T23:59:59+03:00" });
    const second = fresh.register({ name: "b", amount: "12345.67", at: "2026-11-01T00:00:00+03:00" });
    expect(() => fresh.register({ name: "c", amount: "7654.34" })).toThrow("Превышен максимальный размер дохода");
    fresh.register({ name: "c", amount: "7654.33" });
    fresh.annul(second);
    expect(fresh.summary()).toMatchObject([
      {
        month: "2026-10",
        receipts: 1,
        individuals_kopecks: 1_000_000,
        tax_kopecks: 40_000,
        deduction_used_kopecks: 10_000,
        bill_kopecks: 30_000,
      },
      {
        month: "2026-11",
        receipts: 1,
        cancelled: 1,
        individuals_kopecks: 765_433,
        tax_kopecks: 30_617,
        deduction_used_kopecks: 5_000,
        deduction_left_kopecks: 0,
        bill_kopecks: 25_600,
      },
    ]);
    const page = await fetch(`${fresh.origin}/_summary`);
    expect([page.headers.get("content-type"), await page.text()]).toEqual([
      "text/html; charset=utf-8",
      expect.stringContaining("<td>2026-11</td><td>1</td><td>1</td><td>7654.33</td>"),
    ]);
    expect(await (await fetch(`${fresh.origin}/_summary?format=json`)).json()).toEqual(fresh.summary() as never);
    await fresh.stop();
  });

  test("by HTTP: switches, clock, settings and the owner's hands; nonsense is told", async () => {
    const post = (path: string, body: object) => ask(path, body);
    const { body } = await post("/_register", { name: "Фото", amount: "10.00" });
    expect((await post(`/_annul/${body.number}`, {})).status).toBe(200);
    expect((await post(`/_annul/${body.number}`, {})).status).toBe(422);
    const before = emulator.stats().now;
    await post("/_clock", { advance_ms: 1_000 });
    expect(Date.parse(emulator.stats().now) - Date.parse(before)).toBe(1_000);
    expect((await post("/_settings", { colour: "red" })).status).toBe(422);
    expect((await fetch(`${emulator.origin}/_settings`)).status).toBe(405);
    expect((await fetch(`${emulator.origin}/_faults`)).status).toBe(200);
    const stats = await (await fetch(`${emulator.origin}/_stats`)).text();
    expect(stats).not.toContain(emulator.password);
    expect(stats).not.toContain("sandbox.");
  });
});
