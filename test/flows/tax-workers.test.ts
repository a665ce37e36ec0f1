import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fileTaxes } from "../../src/features/billing/tax/tax-connector.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { asked, fileFor, journal, sell, startTaxApp } from "../support/tax.ts";
import { until } from "../support/until.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

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
    await until(() => asked(lknpd, "/income") > 0, "the sale is under way");
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
    await until(() => asked(lknpd, "/income") > 0, "the sale is under way");
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
