import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { resumeTax } from "../../src/features/billing/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { remoteSessions } from "../../src/platform/remote-session/tables.ts";
import { startTestApp } from "../support/app.ts";
import { alerts, asked, desk, file, fileFor, journal, sell, startTaxApp } from "../support/tax.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

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
