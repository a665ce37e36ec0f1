import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import NalogAPI from "moy-nalog";
import { type LknpdEmulator, startLknpdEmulator } from "../../src/sandbox/lknpd.ts";

/** A client that we did not write, so that emulator and client cannot be wrong in the same way. */
let emulator: LknpdEmulator;
beforeAll(async () => {
  emulator = await startLknpdEmulator();
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.stop());

async function signedIn(): Promise<NalogAPI> {
  const client = new NalogAPI({ autologin: false });
  client.apiUrl = emulator.url;
  await client.auth(emulator.inn, emulator.password);
  return client;
}

describe("moy-nalog against the emulator", () => {
  test("logs in, adds an income, and finds it in the list", async () => {
    const client = await signedIn();
    expect(client.INN).toBe(emulator.inn);
    expect(await client.userInfo()).toMatchObject({ inn: emulator.inn });
    const date = new Date("2026-01-15T09:14:31Z");
    const added = await client.addIncome({ date, name: "20 кредитов, заказ o_71", amount: 149.9, quantity: 3 });
    expect(added.error).toBeUndefined();
    const number = added.approvedReceiptUuid ?? "";
    expect(number).toMatch(/^20[0-9a-z]{8}$/);
    // The client reads the receipt without its login, and gets what the real service says to that.
    expect(added.data).toEqual({ code: "Not Authenticated", message: "Not Authenticated", additionalInfo: {} });
    const query = new URLSearchParams({
      from: "2026-01-15T00:00:00.000+03:00",
      to: "2026-01-15T23:59:59.999+03:00",
      offset: "0",
      limit: "50",
      sortBy: "operation_time:desc",
    });
    const list = await client.call(`incomes?${query}`);
    expect(list).toMatchObject({
      content: [
        {
          approvedReceiptUuid: number,
          name: "20 кредитов, заказ o_71",
          totalAmount: 449.7,
          services: [{ amount: 149.9, quantity: 3, serviceNumber: 0 }],
          cancellationInfo: null,
        },
      ],
      hasMore: false,
      currentOffset: 0,
    });
    const [item] = list.content as { operationTime: string }[];
    expect(new Date(item?.operationTime ?? "").getTime()).toBe(date.getTime());
    expect((await fetch(added.printUrl ?? "")).status).toBe(200);
  });

  test("its repetition is a second receipt: nothing there is idempotent", async () => {
    const client = await signedIn();
    const before = emulator.stats().counts.receipts;
    const income = { date: new Date("2026-01-16T09:14:31Z"), name: "the same", amount: 149 };
    const [one, two] = [await client.addIncome(income), await client.addIncome(income)];
    expect(one.approvedReceiptUuid).not.toBe(two.approvedReceiptUuid);
    expect(emulator.stats().counts.receipts).toBe(before + 2);
  });

  test("annuls by the raw call, with one of the two reasons only, and once", async () => {
    const client = await signedIn();
    const { approvedReceiptUuid: receiptUuid } = await client.addIncome({ name: "x", amount: 10 });
    const time = "2026-01-17T12:00:00+03:00";
    const order = { receiptUuid, operationTime: time, requestTime: time, partnerCode: null };
    expect(await client.call("cancel", { ...order, comment: "так вышло" })).toMatchObject({
      code: "validation.failed",
    });
    expect(await client.call("cancel", { ...order, comment: "Возврат средств" })).toMatchObject({
      incomeInfo: {
        approvedReceiptUuid: receiptUuid,
        totalAmount: 10,
        cancellationInfo: { comment: "Возврат средств" },
      },
    });
    expect(await client.call("cancel", { ...order, comment: "Возврат средств" })).toMatchObject({
      code: "validation.failed",
    });
  });

  test("hears why it may not", async () => {
    const client = new NalogAPI({ autologin: false });
    client.apiUrl = emulator.url;
    expect(client.auth(emulator.inn, "wrong")).rejects.toThrow("неверный логин или пароль");
    const good = await signedIn();
    expect((await good.addIncome({ name: "", amount: 10 })).error).toMatchObject({ code: "validation.failed" });
    const tomorrow = new Date(Date.now() + 24 * 3_600_000);
    expect((await good.addIncome({ date: tomorrow, name: "x", amount: 10 })).error).toMatchObject({
      message: "Дата операции не может быть в будущем",
    });
    expect(await good.call("incomes?from=2026-01-01&to=2026-01-31")).toEqual({
      message: "Внутренняя ошибка. Попробуйте еще раз",
    });
    expect(await good.call("incomes?sortBy=OPERATION_TIME&sortOrder=DESC")).toMatchObject({
      code: "validation.failed",
      message: "Требуется два параметра для сортировки",
    });
  });
});
