import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { createLog } from "../../src/platform/telemetry/log.ts";
import { failureOf } from "../../src/providers/lknpd/classify.ts";
import { createLknpdClient, type LknpdClient, type LknpdClientOptions } from "../../src/providers/lknpd/client.ts";
import { incomeBody, isReceiptOf, readListed, searchWindows, serviceName } from "../../src/providers/lknpd/receipts.ts";
import type { SessionStore } from "../../src/providers/lknpd/session.ts";
import { lknpdService } from "../../src/providers/lknpd/tax-service.ts";
import type { TaxSale } from "../../src/providers/tax-service.ts";
import { type LknpdEmulator, startLknpdEmulator } from "../../src/sandbox/lknpd.ts";
import { createTestClock } from "../support/clock.ts";
import { bareServer } from "./bare-server.ts";

const clock = createTestClock("2026-11-18T09:00:00.000Z");
const lines: string[] = [];
const log = createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
let emulator: LknpdEmulator;
beforeAll(async () => {
  emulator = await startLknpdEmulator({ clock });
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.stop());

function memoryStore(): SessionStore & { text: string | null } {
  let device: string | undefined;
  const store = {
    text: null as string | null,
    deviceId: async (make: () => string) => {
      device ??= make();
      return device;
    },
    read: async () => store.text,
    write: async (text: string) => {
      store.text = text;
    },
  };
  return store;
}

function clientWith(more: Partial<LknpdClientOptions> = {}): LknpdClient {
  return createLknpdClient({
    apiUrl: emulator.url,
    inn: emulator.inn,
    password: emulator.password,
    clock,
    store: memoryStore(),
    log,
    loopbackAllowed: true,
    timeouts: { writeMs: 10_000, queryMs: 10_000 },
    sleep: async () => {},
    ...more,
  });
}

const sale = (more: Partial<TaxSale> = {}): TaxSale => ({
  orderId: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
  service: "Обработка изображений",
  grossKopecks: 14_900,
  paidAt: new Date("2026-11-18T08:59:30.700Z"),
  ...more,
});

async function kindOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof ProviderFailure ? error.kind : `no failure: ${String(error)}`;
}

describe("what is sent", () => {
  test("has the second in Moscow's offset, the exact sum as number and text, and the order in the name", () => {
    const body = incomeBody(sale({ paidAt: new Date("2028-02-29T20:59:59.999Z"), grossKopecks: 44_970 }), clock.now());
    expect(JSON.parse(JSON.stringify(body))).toEqual({
      operationTime: "2028-02-29T23:59:59+03:00",
      requestTime: "2026-11-18T12:00:00+03:00",
      services: [{ name: `Обработка изображений, заказ ${sale().orderId}`, amount: 449.7, quantity: 1 }],
      totalAmount: "449.70",
      client: { contactPhone: null, displayName: null, incomeType: "FROM_INDIVIDUAL", inn: null },
      paymentType: "CASH",
      ignoreMaxTotalIncomeRestriction: false,
    });
  });

  test("is exact for every sum up to 2 000 roubles and around the largest", () => {
    for (let kopecks = 1; kopecks <= 200_000; kopecks += 1) {
      const { services, totalAmount } = incomeBody(sale({ grossKopecks: kopecks }), clock.now());
      const [roubles = "", rest = ""] = JSON.stringify(services[0]?.amount).split(".");
      if (Number(roubles) * 100 + Number(rest.padEnd(2, "0")) !== kopecks || rest.length > 2)
        throw new Error(String(kopecks));
      if (totalAmount.replace(".", "") !== String(kopecks).padStart(3, "0")) throw new Error(totalAmount);
      const listed = readListed({ approvedReceiptUuid: "20a", name: "x", totalAmount: kopecks / 100 });
      if (listed?.totalKopecks !== kopecks) throw new Error(`${kopecks} was read as ${listed?.totalKopecks}`);
    }
    expect(JSON.stringify(incomeBody(sale({ grossKopecks: 239_999_999 }), clock.now()).services[0]?.amount)).toBe(
      "2399999.99",
    );
  });

  test("the name keeps the order whole, however long the service is called", () => {
    const name = serviceName(sale({ service: "я".repeat(300) }));
    expect([name.length, name.endsWith(`, заказ ${sale().orderId}`)]).toEqual([128, true]);
  });

  test("a receipt is this sale's by order and total, to the kopeck", () => {
    const receipt = { number: "20a", isAnnulled: false, totalKopecks: 14_900, names: [serviceName(sale())] };
    expect(isReceiptOf(receipt, sale())).toBe(true);
    expect(isReceiptOf({ ...receipt, totalKopecks: 14_901 }, sale())).toBe(false);
    expect(isReceiptOf({ ...receipt, names: ["Обработка изображений, заказ 1"] }, sale())).toBe(false);
    for (const totalAmount of [149.001, Number.NaN, "149", "149,00", -1, null]) {
      expect(readListed({ approvedReceiptUuid: "20a", name: "x", totalAmount })).toBeUndefined();
    }
  });

  test("is looked for around the payment, and around the sending where that was much later", () => {
    const paidAt = new Date("2026-11-18T08:00:00Z");
    const spans = (sentAt: string) =>
      searchWindows(paidAt, new Date(sentAt)).map(({ from, to }) => [
        from.toISOString().slice(11, 16),
        to.toISOString().slice(11, 16),
      ]);
    expect(spans("2026-11-18T08:02:00Z")).toEqual([["07:55", "08:17"]]);
    expect(spans("2026-11-18T12:00:00Z")).toEqual([
      ["07:55", "08:05"],
      ["11:55", "12:15"],
    ]);
  });
});

describe("what an answer means", () => {
  const cases: [number, unknown, Record<string, string | undefined>][] = [
    [200, {}, { login: undefined, refresh: undefined, read: undefined, write: undefined }],
    [
      400,
      { code: "validation.failed" },
      { login: "unauthorized", refresh: "rejected", read: "rejected", write: "rejected" },
    ],
    [
      401,
      { code: "authentication.failed" },
      { login: "unauthorized", refresh: "unauthorized", read: "unauthorized", write: "unauthorized" },
    ],
    [
      403,
      { code: "forbidden" },
      { login: "unauthorized", refresh: "unauthorized", read: "unauthorized", write: "unauthorized" },
    ],
    [403, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unavailable" }],
    [404, "не найдено", { login: "unavailable", refresh: "rejected", read: "rejected", write: "rejected" }],
    [404, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unavailable" }],
    [406, { message: "x" }, { login: "unauthorized", refresh: "rejected", read: "rejected", write: "rejected" }],
    [408, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unknown" }],
    [422, { code: "x" }, { login: "unauthorized", refresh: "rejected", read: "rejected", write: "rejected" }],
    [429, undefined, { login: "rate_limited", refresh: "rate_limited", read: "rate_limited", write: "rate_limited" }],
    [302, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unknown" }],
    [500, { message: "x" }, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unknown" }],
    [502, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unknown" }],
    [503, undefined, { login: "unavailable", refresh: "unavailable", read: "unavailable", write: "unknown" }],
  ];
  for (const [status, json, kinds] of cases) {
    test(`HTTP ${status} ${JSON.stringify(json) ?? "with a page"}`, () => {
      for (const purpose of ["login", "refresh", "read", "write"] as const) {
        const answer = { status, headers: new Headers(), text: "", json };
        expect<unknown>({ [purpose]: failureOf(answer, purpose)?.kind }).toEqual({ [purpose]: kinds[purpose] });
      }
    });
  }

  test("its words are shortened and long numbers left out; it waits as long as it is asked to", () => {
    const headers = new Headers({ "retry-after": "42" });
    const json = { code: "c", message: `ИНН 123456789012 ${"x".repeat(500)}` };
    const failure = failureOf({ status: 429, headers, text: "", json }, "read");
    expect([failure?.retryAfterMs, failure?.message.includes("123456789012"), failure?.message.length]).toEqual([
      42_000,
      false,
      expect.any(Number),
    ]);
    expect(failure?.message.length).toBeLessThan(250);
  });
});

describe("the session", () => {
  test("ten calls at once log in once; a token is renewed a minute before its end; the device stays the same", async () => {
    const store = memoryStore();
    const client = clientWith({ store });
    const before = emulator.stats().counts;
    await Promise.all(Array.from({ length: 10 }, () => client.user()));
    expect(emulator.stats().counts.logins - before.logins).toBe(1);
    clock.advance(58 * 60_000);
    await client.user();
    expect(emulator.stats().counts.refreshes - before.refreshes).toBe(0);
    clock.advance(61_000);
    await Promise.all(Array.from({ length: 5 }, () => client.user()));
    expect(emulator.stats().counts.refreshes - before.refreshes).toBe(1);
    // Another process with the same store goes on under the same login.
    await clientWith({ store }).user();
    expect(emulator.stats().counts.logins - before.logins).toBe(1);
    expect(await store.deviceId(() => "never")).toMatch(/^[0-9a-z]{21}$/);
  });

  test("a renewal that is refused asks for the password once; an outage or a full rate limit does not", async () => {
    for (const [mode, logins, failure] of [
      ["http_401", 1, null],
      ["http_422_login", 1, null],
      ["http_429", 0, "rate_limited"],
      ["http_500", 0, "unavailable"],
      ["html_503", 0, "unavailable"],
      ["unknown_shape", 0, "unavailable"],
    ] as const) {
      const client = clientWith();
      await client.user();
      clock.advance(59.5 * 60_000);
      const before = emulator.stats().counts.logins;
      emulator.faults.set("lknpd.refresh", { mode });
      const kind = await kindOf(client.user());
      expect([mode, failure === null ? kind : kind === failure]).toEqual([
        mode,
        failure === null ? "no failure: undefined" : true,
      ]);
      expect([mode, emulator.stats().counts.logins - before]).toEqual([mode, logins]);
      emulator.faults.clear();
    }
  });

  test("a token that is refused again and again ends after one renewal and one login, and is unauthorized", async () => {
    const client = clientWith();
    await client.user();
    const before = emulator.stats();
    emulator.faults.set("lknpd.session", { mode: "dead" });
    expect(await kindOf(client.income(sale()))).toBe("unauthorized");
    const { counts, receipts } = emulator.stats();
    expect([counts.logins - before.counts.logins, counts.refreshes - before.counts.refreshes]).toEqual([1, 1]);
    expect(receipts).toHaveLength(before.receipts.length);
  });

  test("the login of another INN is refused before anything is registered under it", async () => {
    const server = await bareServer((socket) => {
      const body = JSON.stringify({ token: "t", profile: { inn: "999999999999" } });
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    });
    expect(await kindOf(clientWith({ apiUrl: `${server.url}/api/v1` }).income(sale()))).toBe("unauthorized");
    expect(server.hits).toHaveLength(1);
    server.close();
  });
});

describe("a sale", () => {
  test("is refused, never sent, or unknown, and is called nothing else", async () => {
    const client = clientWith();
    const hasty = clientWith({ timeouts: { writeMs: 700, queryMs: 700 } });
    for (const one of [client, hasty]) await one.user();
    for (const [mode, kind] of [
      ["http_400_validation", "rejected"],
      ["http_403", "unauthorized"],
      ["http_404", "rejected"],
      ["http_429", "rate_limited"],
      ["edge_1010", "unavailable"],
      ["reset", "unknown"],
      ["hang", "unknown"],
      ["half_body", "unknown"],
      ["not_json", "unknown"],
      ["html_503", "unknown"],
      ["empty", "unknown"],
      ["unknown_shape", "unknown"],
      ["executed_500", "unknown"],
      ["executed_hang", "unknown"],
    ] as const) {
      emulator.faults.set("lknpd.income", { mode, times: 1 });
      // What never answers is met by a client that does not wait for long.
      const asking = mode.endsWith("hang") ? hasty : client;
      expect([mode, await kindOf(asking.income(sale()))]).toEqual([mode, kind]);
      emulator.faults.clear();
    }
    const closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = closed;
    closed.stop(true);
    const store = memoryStore();
    await store.write(
      JSON.stringify({ token: "t", expiresAtMs: clock.now().getTime() + 3_600_000, refreshToken: null }),
    );
    const nobody = clientWith({ apiUrl: `http://127.0.0.1:${port}/api/v1`, store });
    expect(await kindOf(nobody.income(sale()))).toBe("unavailable");
  });

  test("is found among more than a page of others, and a number that is none goes into no path", async () => {
    const other = await startLknpdEmulator({ clock });
    const client = clientWith({ apiUrl: other.url });
    const paid = sale({ paidAt: new Date(clock.now().getTime() - 30_000) });
    const number = await client.income(paid);
    for (let n = 0; n < 230; n += 1) other.register({ name: `n${n}`, amount: "149.00" });
    const before = other.stats().calls.length;
    expect(await client.incomesOf(paid, clock.now())).toEqual([{ number, isAnnulled: false }]);
    expect(other.stats().calls.length - before).toBe(3);
    await client.cancel(number, "refund");
    expect(await client.receipt(number)).toEqual({ number, isAnnulled: true });
    expect(await client.incomesOf(paid, clock.now())).toEqual([{ number, isAnnulled: true }]);
    expect(await client.receipt("20unknown00")).toBeNull();
    const calls = other.stats().calls.length;
    for (const evil of ["../user", "a/b", "", "a?b", "x".repeat(65)]) {
      expect(await kindOf(client.receipt(evil))).toBe("rejected");
      expect(await kindOf(client.cancel(evil, "refund"))).toBe("rejected");
    }
    expect(other.stats().calls).toHaveLength(calls);
    await other.stop();
  });

  test("is not called missing while a list has one receipt that cannot be read, or more pages than anybody reads", async () => {
    const good = { approvedReceiptUuid: "20a", name: "x", totalAmount: 1, cancellationInfo: null };
    const lists = [
      { content: [good, { ...good, totalAmount: "1,00" }], hasMore: false },
      { content: [{ ...good, approvedReceiptUuid: 5 }], hasMore: false },
      { content: [good], hasMore: true },
      { content: [good] },
      { hasMore: false },
    ];
    let answer: object = {};
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(answer) });
    const store = memoryStore();
    await store.write(
      JSON.stringify({ token: "t", expiresAtMs: clock.now().getTime() + 3_600_000, refreshToken: null }),
    );
    const client = clientWith({ apiUrl: `http://127.0.0.1:${server.port}/api/v1`, store });
    for (const list of lists) {
      answer = list;
      expect(await kindOf(client.incomesOf(sale(), clock.now()))).toBe("unavailable");
    }
    answer = { content: [good], hasMore: false };
    expect(await client.incomesOf(sale(), clock.now())).toEqual([]);
    await server.stop(true);
  });

  test("leaves no password, token or INN in the log", async () => {
    const text = lines.join("\n");
    expect(lines.length).toBeGreaterThan(20);
    for (const secret of [emulator.password, emulator.inn, "sandbox.", "Bearer"]) expect(text).not.toContain(secret);
  });
});

test("only what runs on this very machine is taken for an emulator", () => {
  const service = (apiUrl: string) =>
    lknpdService({
      apiUrl,
      inn: emulator.inn,
      password: "x",
      clock,
      store: memoryStore(),
      log,
      loopbackAllowed: true,
      fingerprint: () => "",
    });
  expect(service(emulator.url).isReal).toBe(false);
  expect(service("https://lknpd.nalog.ru/api/v1").isReal).toBe(true);
  expect(service("https://lknpd.nalog.ru").receiptUrl("20a")).toBe(
    `https://lknpd.nalog.ru/api/v1/receipt/${emulator.inn}/20a/print`,
  );
  expect(() => service("http://lknpd.nalog.ru")).toThrow("must start with https://");
});
