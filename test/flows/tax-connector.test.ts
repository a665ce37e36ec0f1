import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { markAnnulled, markRegistered, payments, refundPayment, resumeTax } from "../../src/features/billing/index.ts";
import { fileTaxes } from "../../src/features/billing/tax/tax-connector.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { remoteSessions } from "../../src/platform/remote-session/tables.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { alerts, asked, desk, file, fileFor, filings, journal, live, sell, startTaxApp } from "../support/tax.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(30_000);

const MINUTE_MS = 60_000;

describe("registering a sale", () => {
  test("X3 carries the payment's second in Moscow, the exact sum and our order; the buyer sees the receipt", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: createTestClock("2026-12-31T20:59:59.870Z") });
    const payment = await sell(app, person);
    app.clock.advance(20 * MINUTE_MS);
    await file(app);
    const [entry] = await journal(app);
    expect(lknpd.stats().receipts).toMatchObject([
      {
        approvedReceiptUuid: entry?.receiptNumber,
        operationTime: "2026-12-31T23:59:59+03:00",
        taxPeriodId: 202612,
        totalAmount: 149,
        incomeType: "FROM_INDIVIDUAL",
        name: `Обработка изображений, заказ ${payment.id}`,
      },
    ]);
    expect(entry).toMatchObject({ state: "registered", date: "2026-12-31", annulDue: false });
    const shown = (await (await app.request(`/payments/${payment.id}`, { as: person })).json()) as {
      receipt_url: string;
    };
    expect(shown.receipt_url).toBe(`${lknpd.url}/receipt/${lknpd.inn}/${entry?.receiptNumber}/print`);
    const page = await fetch(shown.receipt_url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(payment.id)]);
    await fileFor(app, 15);
    expect([asked(lknpd, "/income"), lknpd.stats().counts.receipts, await alerts(app)]).toEqual([1, 1, []]);
  });

  test("many sales go one after another under one login, each once", async () => {
    const { app, lknpd, person } = await startTaxApp();
    for (const product of ["pack_20", "pack_60", "basic"]) await sell(app, person, product);
    await file(app);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["registered", "registered", "registered"]);
    expect(live(lknpd).map(({ totalAmount }) => totalAmount)).toEqual([149, 399, 299]);
    expect(lknpd.stats().counts).toMatchObject({ logins: 1, refreshes: 0, receipts: 3 });
  });

  test("without a login nothing is asked and the journal waits to be typed in", async () => {
    const app = await startTestApp({ settings: { MY_TAX_INN: "123456789012" } });
    expect(app.ctx.taxService).toBeNull();
    await sell(app, await app.signIn());
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "ready", receiptNumber: null }]);
    expect(await filings(app)).toEqual([]);
  });

  test("a sale of a test shop never reaches the real tax service", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    expect(payment.isTest).toBe(true);
    Object.assign(app.ctx.taxService ?? {}, { isReal: true });
    await fileFor(app, 3);
    expect(lknpd.stats().calls).toEqual([]);
    expect(await journal(app)).toMatchObject([{ state: "ready" }]);
    await app.ctx.db.update(payments).set({ isTest: false }).where(eq(payments.id, payment.id));
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
  });
});

describe("X1 an answer that is lost", () => {
  const lostButDone = [
    "executed_reset",
    "executed_hang",
    "executed_edge_502",
    "executed_500",
    "executed_html_503",
    "half_body",
    "unknown_shape",
    "empty",
  ];
  for (const mode of lostButDone) {
    test(`X1 ${mode}: unknown, then looked up and adopted; one receipt, sent once`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ state: "unknown", receiptNumber: null }]);
      expect(asked(lknpd, "/incomes")).toBe(0);
      await fileFor(app, 4);
      const [receipt] = lknpd.stats().receipts;
      expect(await journal(app)).toMatchObject([
        { state: "registered", receiptNumber: receipt?.approvedReceiptUuid as string },
      ]);
      expect([asked(lknpd, "/income"), lknpd.stats().counts.receipts]).toEqual([1, 1]);
      expect(await alerts(app)).toEqual([]);
    });
  }

  const lostAndNotDone = ["reset", "hang", "not_json", "edge_502", "edge_504", "html_503", "http_500"];
  for (const mode of lostAndNotDone) {
    test(`X1 ${mode}: unknown, looked for twice with a margin, and only then sent again`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
      await fileFor(app, 9);
      expect([asked(lknpd, "/income"), asked(lknpd, "/incomes")]).toEqual([1, 1]);
      expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
      await fileFor(app, 6);
      expect(await journal(app)).toMatchObject([{ state: "registered" }]);
      expect([asked(lknpd, "/income"), asked(lknpd, "/incomes"), lknpd.stats().counts.receipts]).toEqual([2, 2, 1]);
    });
  }

  test("X1 nobody listens: not sent, so it waits and is sent without a look", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    // The login is there already; the connection of the sale itself is refused.
    await app.ctx.taxService?.check();
    const closed = await startTaxApp({ settings: { MY_TAX_API_URL: "http://127.0.0.1:9/api/v1" } });
    await sell(closed.app, closed.person);
    await file(closed.app);
    expect(await journal(closed.app)).toMatchObject([{ state: "ready" }]);
    expect(await filings(closed.app)).toMatchObject([{ attempts: 1, lastError: expect.stringContaining("reached") }]);
    expect(await desk(closed.app)).toMatchObject({ failures: 1 });
    await file(app);
    expect([await journal(app), lknpd.stats().counts.receipts]).toMatchObject([[{ state: "registered" }], 1]);
  });

  test("X1 a list that is late, goes by registration, or rounds its times makes no second receipt", async () => {
    for (const doubt of ["lknpd.visible", "lknpd.filter", "lknpd.times"]) {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      app.clock.advance(5 * 3_600_000);
      lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
      const mode = { "lknpd.visible": "late", "lknpd.filter": "by_registration" }[doubt] ?? "to_the_minute";
      lknpd.faults.set(doubt, { mode, ...(doubt === "lknpd.visible" ? { delayMs: 8 * MINUTE_MS, times: 1 } : {}) });
      await file(app);
      await fileFor(app, 16);
      expect([doubt, (await journal(app)).map(({ state }) => state)]).toEqual([doubt, ["registered"]]);
      expect([doubt, lknpd.stats().counts.receipts, asked(lknpd, "/income")]).toEqual([doubt, 1, 1]);
    }
  });

  test("X1 a list that cannot be read proves nothing: the sale stays unknown until one can", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
    await file(app);
    for (const mode of ["unknown_shape", "not_json", "half_body", "html_503", "http_500", "hang", "http_404"]) {
      lknpd.faults.set("lknpd.incomes", { mode });
      app.clock.advance(31 * MINUTE_MS);
      await file(app);
      expect([mode, (await journal(app))[0]?.state]).toEqual([mode, "unknown"]);
    }
    lknpd.faults.clear();
    app.clock.advance(31 * MINUTE_MS);
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    expect(asked(lknpd, "/income")).toBe(1);
    expect(await alerts(app)).toEqual(["tax_service_unavailable"]);
  }, 30_000);

  test("X1 two receipts for one sale are a person's business, told once, and settled by hand", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
    await file(app);
    const second = lknpd.register({ name: `Фото, заказ ${payment.id}`, amount: "149.00" });
    await fileFor(app, 20);
    expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
    expect(await filings(app)).toMatchObject([{ aside: "found_several" }]);
    expect(await alerts(app)).toEqual(["tax_found_several"]);
    const [entry] = await journal(app);
    lknpd.annul(second);
    // With one of them annulled, looking again is enough.
    expect(await resumeTax(app.ctx)).toBe(1);
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    expect((await journal(app))[0]?.receiptNumber).not.toBe(second);
    expect(await markRegistered(app.ctx, entry?.id ?? "", "20other")).toBe(false);
    expect(asked(lknpd, "/income")).toBe(1);
  });

  test("X1 other people's receipts of the same second and sum are not taken for ours", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.register({ name: "Обработка изображений, заказ 1", amount: "149.00" });
    lknpd.faults.set("lknpd.income", { mode: "reset", times: 1 });
    await file(app);
    await fileFor(app, 16);
    const [entry] = await journal(app);
    const own = lknpd.stats().receipts.find(({ approvedReceiptUuid }) => approvedReceiptUuid === entry?.receiptNumber);
    expect(own).toMatchObject({ name: expect.stringContaining(entry?.paymentId ?? "?") });
    expect(lknpd.stats().counts.receipts).toBe(2);
  });
});

describe("X1 one worker at a time", () => {
  test("two runs at once send each sale once, under one login", async () => {
    const { app, lknpd, person } = await startTaxApp();
    for (const product of ["pack_20", "pack_60", "pack_200"]) await sell(app, person, product);
    await app.work();
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 60 });
    await enqueue(app.ctx, "tax.file", {});
    await enqueue(app.ctx, "tax.file", {});
    const jobs = await claim(app.ctx, newId(), ["tax.file"], 10);
    expect(jobs).toHaveLength(2);
    const [first, second] = jobs.map((job) => () => fileTaxes(app.ctx, job));
    const running = first?.();
    for (let n = 0; n < 100 && asked(lknpd, "/income") === 0; n += 1) await Bun.sleep(5);
    // The desk is taken: whoever comes now goes away again, and takes nothing from the one who works.
    await second?.();
    expect(asked(lknpd, "/income")).toBe(1);
    await running;
    expect([asked(lknpd, "/income"), lknpd.stats().counts]).toMatchObject([3, { receipts: 3, logins: 1 }]);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["registered", "registered", "registered"]);
  });

  test("a worker whose desk was taken over writes nothing more; its sale is looked up, not sent again", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    await sell(app, person, "pack_60");
    await app.work();
    await enqueue(app.ctx, "tax.file", {});
    await enqueue(app.ctx, "tax.file", {});
    const [slow, quick] = await claim(app.ctx, newId(), ["tax.file"], 10);
    if (!slow || !quick) throw new Error("both jobs were there");
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 300, times: 1 });
    const asleep = fileTaxes(app.ctx, slow);
    for (let n = 0; n < 100 && asked(lknpd, "/income") === 0; n += 1) await Bun.sleep(5);
    app.clock.advance(6 * MINUTE_MS);
    await fileTaxes(app.ctx, quick);
    await asleep;
    await fileFor(app, 15);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["registered", "registered"]);
    expect([asked(lknpd, "/income"), lknpd.stats().counts.receipts]).toEqual([2, 2]);
    expect(app.logLines.join("\n")).toContain("taken over by another worker");
  });
});

test("X1 a worker that slept between writing and sending does not send any more", async () => {
  const { app, lknpd, person } = await startTaxApp();
  await sell(app, person);
  await app.work();
  await enqueue(app.ctx, "tax.file", {});
  const [job] = await claim(app.ctx, newId(), ["tax.file"], 1);
  if (!job) throw new Error("there was a job");
  const sleepy: typeof app.ctx = {
    ...app.ctx,
    async transaction(work) {
      const result = await app.ctx.transaction(work);
      if ((await journal(app))[0]?.state === "unknown") app.clock.advance(MINUTE_MS);
      return result;
    },
  };
  await fileTaxes(sleepy, job);
  expect([asked(lknpd, "/income"), (await journal(app))[0]?.state]).toEqual([0, "unknown"]);
  await fileFor(app, 16);
  expect([asked(lknpd, "/income"), (await journal(app))[0]?.state]).toEqual([1, "registered"]);
});

describe("refusals", () => {
  for (const mode of ["http_422_password", "http_401_device", "http_403"]) {
    test(`a login that is refused (${mode}) stops everything, is tried once, and is told once`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      lknpd.faults.set("lknpd.login", { mode });
      await fileFor(app, 20);
      expect([asked(lknpd, "/auth/lkfl"), asked(lknpd, "/income")]).toEqual([1, 0]);
      expect(await journal(app)).toMatchObject([{ state: "ready" }]);
      expect([await alerts(app), (await desk(app)).stopped]).toEqual([["tax_login_refused"], "tax_login_refused"]);
      expect(app.logLines.join("\n")).not.toContain(lknpd.password);
      lknpd.faults.clear();
      await resumeTax(app.ctx);
      await file(app);
      expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    });
  }

  test("with another password the work goes on by itself; the old tokens cannot be read with it", async () => {
    const first = await startTaxApp();
    await sell(first.app, first.person);
    first.lknpd.configure({ password: "another" });
    await fileFor(first.app, 3);
    expect((await desk(first.app)).stopped).toBe("tax_login_refused");
    const second = await startTestApp({
      database: first.app.database,
      clock: first.app.clock,
      settings: { MY_TAX_INN: first.lknpd.inn, MY_TAX_PASSWORD: "another", MY_TAX_API_URL: first.lknpd.url },
    });
    await file(second);
    expect(await journal(second)).toMatchObject([{ state: "registered" }]);
    expect(asked(first.lknpd, "/auth/lkfl")).toBe(2);
  });

  test("maintenance of the login is an outage, not a refusal: it is tried again by and by", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.login", { mode: "http_404", times: 2 });
    await fileFor(app, 5);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    expect([asked(lknpd, "/auth/lkfl"), await alerts(app)]).toEqual([3, []]);
  });

  test("a full rate limit waits, and no password is sent meanwhile", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    await app.ctx.taxService?.check();
    lknpd.faults.set("lknpd.income", { mode: "http_429", times: 1 });
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "ready" }]);
    const before = lknpd.stats().calls.length;
    await fileFor(app, 4);
    expect(lknpd.stats().calls).toHaveLength(before);
    await fileFor(app, 2);
    expect([await journal(app), lknpd.stats().counts]).toMatchObject([
      [{ state: "registered" }],
      { logins: 1, receipts: 1 },
    ]);
  });

  test("a sale that is refused lies aside and holds nothing up; three in a row stop the desk", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "http_400_validation", times: 1 });
    await file(app);
    expect([await journal(app), await alerts(app)]).toMatchObject([[{ state: "ready" }], ["tax_refused"]]);
    await sell(app, person, "pack_60");
    await fileFor(app, 2);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["ready", "registered"]);
    expect(asked(lknpd, "/income")).toBe(2);

    lknpd.faults.set("lknpd.income", { mode: "http_400_unregistered" });
    for (let n = 0; n < 5; n += 1) await sell(app, await app.signIn());
    await fileFor(app, 5);
    expect(asked(lknpd, "/income")).toBe(5);
    expect((await alerts(app)).filter((reason) => reason === "tax_sales_refused")).toHaveLength(1);
    lknpd.faults.clear();
    expect(await resumeTax(app.ctx)).toBe(4);
    await file(app);
    expect(new Set((await journal(app)).map(({ state }) => state))).toEqual(new Set(["registered"]));
    expect(lknpd.stats().counts.receipts).toBe(7);
  });

  test("a token that dies is renewed, and where that is refused replaced by a login; the sale goes out once", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    await file(app);
    for (const [mode, counts] of [
      ["dead", { logins: 1, refreshes: 1, receipts: 2 }],
      ["revoked", { logins: 2, refreshes: 1, receipts: 3 }],
    ] as const) {
      await sell(app, await app.signIn());
      lknpd.faults.set("lknpd.session", { mode, times: 1 });
      await file(app);
      expect(lknpd.stats().counts).toMatchObject(counts);
    }
    await sell(app, await app.signIn());
    app.clock.advance(59.5 * MINUTE_MS);
    await file(app);
    expect(lknpd.stats().counts).toMatchObject({ logins: 2, refreshes: 2, receipts: 4 });
    expect([lknpd.stats().devices.length, lknpd.stats().devices[0]?.length, await alerts(app)]).toEqual([1, 21, []]);
    const [session] = await app.ctx.db.select().from(remoteSessions);
    expect(session?.deviceId).toBe(lknpd.stats().devices[0] ?? "");
    expect(session?.sealed).not.toContain("sandbox.");
  });

  test("the year's limit refuses the sale that exceeds it, and the owner is told", async () => {
    const { app, lknpd, person } = await startTaxApp();
    lknpd.configure({ yearLimitKopecks: 20_000 });
    await sell(app, person);
    await sell(app, person, "pack_60");
    await file(app);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["registered", "ready"]);
    expect([await alerts(app), lknpd.stats().counts.receipts]).toEqual([["tax_refused"], 1]);
  });
});

describe("X2 refunds", () => {
  const refund = (
    app: Awaited<ReturnType<typeof startTaxApp>>["app"],
    payment: Awaited<ReturnType<typeof sell>>,
    kopecks: number,
  ) => refundPayment(app.ctx, { payment, amountKopecks: kopecks, reason: "asked for" });

  test("X2 a full refund annuls the receipt with the reason, once", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await file(app);
    await refund(app, payment, 14_900);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: true }]);
    await fileFor(app, 5);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
    expect(lknpd.stats().receipts).toMatchObject([{ cancellationInfo: { comment: "Возврат средств" } }]);
    expect([asked(lknpd, "/cancel"), asked(lknpd, "/income"), await alerts(app)]).toEqual([1, 1, []]);
    const shown = (await (await app.request(`/payments/${payment.id}`, { as: person })).json()) as object;
    expect(shown).not.toHaveProperty("receipt_url");
  });

  test("X2 a part given back: the old receipt is annulled, the rest has a new one with the original second", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: createTestClock("2026-11-30T20:59:59.000Z") });
    const payment = await sell(app, person, "pack_60");
    await file(app);
    app.clock.advance(40 * 24 * 3_600_000);
    await refund(app, payment, 13_300);
    await refund(app, payment, 6_605);
    await file(app);
    expect(lknpd.stats().receipts).toMatchObject([
      { totalAmount: 399, cancellationInfo: { comment: "Возврат средств", taxPeriodId: 202611 } },
      { totalAmount: 199.95, operationTime: "2026-11-30T23:59:59+03:00", cancellationInfo: null, taxPeriodId: 202611 },
    ]);
    // The entry between them was annulled before it was registered, and is never sent.
    const entries = (await journal(app)).map(({ state, grossKopecks, date }) => [state, grossKopecks, date]);
    expect(entries).toEqual([
      ["annulled", 39_900, "2026-11-30"],
      ["annulled", 26_600, "2026-11-30"],
      ["registered", 19_995, "2026-11-30"],
    ]);
  });

  test("X2 refunded before it was registered: nothing is ever sent", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await refund(app, payment, 14_900);
    await fileFor(app, 5);
    expect(lknpd.stats().calls).toEqual([]);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false, receiptNumber: null }]);
  });

  for (const [mode, receipts, cancelled] of [
    ["executed_500", 1, 1],
    ["reset", 0, 0],
  ] as const) {
    test(`X2 refunded while nobody knows whether it is registered (${mode}): looked up, and annulled only if it is`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      const payment = await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      await refund(app, payment, 14_900);
      expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: true, receiptNumber: null }]);
      await fileFor(app, 20);
      expect(lknpd.stats().counts).toMatchObject({ receipts, cancelled });
      expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
      expect([asked(lknpd, "/income"), await alerts(app)]).toEqual([1, []]);
    });
  }

  test("X2 refunded while the sale is on its way: its receipt is stored and annulled", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 200, times: 1 });
    const running = file(app);
    for (let n = 0; n < 100 && asked(lknpd, "/income") === 0; n += 1) await Bun.sleep(5);
    await refund(app, payment, 14_900);
    await running;
    await fileFor(app, 2);
    expect(lknpd.stats().counts).toMatchObject({ receipts: 1, cancelled: 1 });
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
  });

  for (const mode of [
    "executed_reset",
    "executed_500",
    "unknown_shape",
    "half_body",
    "empty",
    "reset",
    "http_500",
    "html_503",
  ]) {
    test(`X2 an annulment whose answer is lost (${mode}) is looked at before it is asked for again`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      const payment = await sell(app, person);
      await file(app);
      await refund(app, payment, 14_900);
      lknpd.faults.set("lknpd.cancel", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ annulDue: true }]);
      await fileFor(app, 5);
      expect(await journal(app)).toMatchObject([{ annulDue: false }]);
      const isDone = !["reset", "http_500", "html_503"].includes(mode);
      expect([asked(lknpd, "/cancel"), lknpd.stats().counts.cancelled]).toEqual([isDone ? 1 : 2, 1]);
      expect(await alerts(app)).toEqual([]);
    });
  }

  test("X2 annulled by hand in the app already: nothing is wrong; an unknown number is a person's business", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await file(app);
    lknpd.annul((await journal(app))[0]?.receiptNumber ?? "", { reason: "refund" });
    await refund(app, payment, 14_900);
    await file(app);
    expect([await journal(app), await alerts(app)]).toMatchObject([[{ annulDue: false }], []]);

    for (const [receipt, reason] of [
      ["20unknown00", "tax_receipt_not_found"],
      ["see my notebook", "tax_receipt_unreadable"],
    ] as const) {
      const other = await sell(app, await app.signIn());
      const entry = (await journal(app)).at(-1);
      expect(await markRegistered(app.ctx, entry?.id ?? "", receipt)).toBe(true);
      await refund(app, other, 14_900);
      await fileFor(app, 3);
      expect((await alerts(app)).at(-1)).toBe(reason);
      expect(await markAnnulled(app.ctx, entry?.id ?? "")).toBe(true);
    }
    expect(await alerts(app)).toHaveLength(2);
  });
});

describe("beside the connector, by hand", () => {
  test("what was typed in by hand is not sent; its link is annulled by its number", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    const number = lknpd.register({ name: "Фото", amount: "149.00" });
    const [entry] = await journal(app);
    const link = `https://lknpd.nalog.ru/api/v1/receipt/${lknpd.inn}/${number}/print`;
    expect(await markRegistered(app.ctx, entry?.id ?? "", link)).toBe(true);
    await fileFor(app, 3);
    expect(asked(lknpd, "/income")).toBe(0);
    await refundPayment(app.ctx, { payment, amountKopecks: 14_900, reason: "asked for" });
    await file(app);
    expect(lknpd.stats().receipts).toMatchObject([{ approvedReceiptUuid: number, cancellationInfo: {} }]);
  });

  test("marked by hand while it is on its way: the owner hears that there may be two", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 200, times: 1 });
    const running = file(app);
    for (let n = 0; n < 100 && asked(lknpd, "/income") === 0; n += 1) await Bun.sleep(5);
    const [entry] = await journal(app);
    expect(entry?.state).toBe("unknown");
    expect(await markRegistered(app.ctx, entry?.id ?? "", "20byhand00")).toBe(true);
    await running;
    expect(await journal(app)).toMatchObject([{ state: "registered", receiptNumber: "20byhand00" }]);
    expect(await alerts(app)).toEqual(["tax_receipt_unexpected"]);
  });
});
