import { describe, expect, test } from "bun:test";
import { asc } from "drizzle-orm";
import { refunds } from "../../src/features/billing/index.ts";
import { startTestApp } from "../support/app.ts";
import { paidFor } from "../support/buying.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf } from "./program.ts";

const app = await startTestApp({ clock: createTestClock(new Date()) });

const refund = (...words: string[]) =>
  runProgram(["refund", ...words], {
    environment: {
      ...settingsOf(app.database),
      YOOKASSA_SHOP_ID: app.yooKassa.shopId,
      YOOKASSA_SECRET_KEY: app.yooKassa.secretKey,
      YOOKASSA_API_URL: app.yooKassa.url,
      PROVIDER_LOOPBACK: "allow",
    },
  });

const rows = () => app.ctx.db.select().from(refunds).orderBy(asc(refunds.id));

describe("atelier refund", () => {
  test("P13 the same command again under its key is the same refund, also when all was given back or nobody heard the answer", async () => {
    const person = await app.signIn();
    const { id } = await paidFor(app, person, "pack_60");
    const command = [id, "--amount", "399", "--key", "all-of-it"];

    expect((await refund(...command, "--dry-run")).out).toMatch(/^stays paid +0\.00 ₽$/m);
    expect(await rows()).toEqual([]);

    app.yooKassa.faults.set("yookassa.refund", { mode: "executed_500", times: 3 });
    const lost = await refund(...command);
    expect(lost).toMatchObject({ code: 0 });
    expect(lost.out).toContain("The refund is pending");
    expect(await rows()).toMatchObject([{ status: "pending" }]);

    for (const words of [command, [id, "--key", "all-of-it"], command]) {
      const again = await refund(...words);
      expect(again).toMatchObject({ code: 0, err: "" });
      expect(again.out).toStartWith("Under this key 399.00 ₽ were ordered to be given back before.");
      expect(again.out).toContain("The refund is succeeded.");
    }
    expect(await rows()).toMatchObject([{ status: "succeeded", amountKopecks: 39_900 }]);
    expect(app.yooKassa.stats().refunds).toHaveLength(1);

    const without = await refund(id, "--amount", "399");
    expect(without).toMatchObject({ code: 2 });
    expect(without.err).toContain("Of this payment 0 ₽ can be given back");
  }, 60_000);

  test("P13 says what is wrong with a key, and gives nothing back", async () => {
    const { id } = await paidFor(app, await app.signIn(), "pack_20");
    const before = (await rows()).length;
    const unusable = await refund(id, "--amount", "10", "--key", "10.00 for Anna");
    expect({ code: unusable.code, err: unusable.err }).toEqual({
      code: 2,
      err: 'atelier: The key must be 1 to 50 letters, digits, - and _, not "10.00 for Anna".\n',
    });
    const taken = await refund(id, "--amount", "10", "--key", "all-of-it");
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.err).toContain("The key all-of-it stands for another refund: 399.00 ₽ of the payment");
    expect(await rows()).toHaveLength(before);
  });
});
