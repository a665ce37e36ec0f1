import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { HOUR_MS } from "../../src/platform/clock.ts";
import { BAD_CARDS, GOOD_CARDS, REASONS_RU } from "../../src/sandbox/yookassa-cards.ts";
import { order, RETURN_URL, standingClock, startYooKassaLane, type YooKassaLane } from "./yookassa-lane.ts";

let lane: YooKassaLane;
beforeEach(async () => {
  lane = await startYooKassaLane({ clock: standingClock() });
});
afterEach(() => lane.emulator.stop());

interface Page {
  status: number;
  html: string;
  location: string | null;
}

async function open(url: string, form?: Record<string, string>): Promise<Page> {
  const response = await fetch(url, {
    redirect: "manual",
    ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
  });
  return { status: response.status, html: await response.text(), location: response.headers.get("location") };
}

/** A payment that waits for its payer. */
async function waiting(more: Parameters<typeof order>[0] = {}): Promise<{ id: string; url: string }> {
  const { id, confirmationUrl } = await lane.client.createPayment(order(more));
  return { id, url: confirmationUrl ?? "" };
}

const statusOf = async (id: string): Promise<string | undefined> => (await lane.client.getPayment(id))?.status;

describe("the pay page", () => {
  test("says SANDBOX, the sum and what for, in Russian, fit for a phone", async () => {
    const { url } = await waiting({ amountKopecks: 119_050, description: "200 кредитов" });
    const { status, html } = await open(url);
    expect(status).toBe(200);
    expect(html).toContain("SANDBOX");
    expect(html).toContain("1190,50 ₽");
    expect(html).toContain("200 кредитов");
    expect(html).toContain('lang="ru"');
    expect(html).toContain("width=device-width");
    for (const { number } of [...GOOD_CARDS, ...BAD_CARDS]) expect(html).toContain(`value="${number}"`);
  });

  test("works wherever a proxy shows it: its forms go to the page itself, and nothing is loaded", async () => {
    const { url } = await waiting();
    const response = await fetch(url);
    const html = await response.text();
    expect(html).not.toMatch(/<form[^>]*action=/);
    expect(html).not.toMatch(/(href|src)="\//);
    expect(html).not.toMatch(/<(script|link|img|iframe)/);
    expect(html).not.toContain(lane.emulator.origin);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("shows what the shop wrote as text, never as a page", async () => {
    const { url } = await waiting({ description: `<img src=x onerror=alert(1)> & "кредиты"` });
    const { html } = await open(url);
    expect(html).toContain("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;кредиты&quot;");
    expect(html).not.toContain("<img");
  });

  test("is not there for a made-up token", async () => {
    expect((await open(`${lane.emulator.payUrl}nobody`)).status).toBe(404);
    expect((await open(`${lane.emulator.payUrl}nobody`, { card: GOOD_CARDS[0]?.number ?? "" })).status).toBe(404);
  });

  test("says when the payer comes back to what is paid, and does not pay it twice", async () => {
    const { id, url } = await waiting();
    await open(url, { card: "5555555555554444" });
    const { html } = await open(url);
    expect(html).toContain("Оплачено");
    expect(html).toContain(`href="${RETURN_URL}"`);
    expect((await open(url, { card: "5555555555554444" })).location).toBe(RETURN_URL);
    expect((await open(url, { action: "cancel" })).location).toBe(RETURN_URL);
    expect(await statusOf(id)).toBe("succeeded");
  });
});

describe("a payer with a card", () => {
  for (const { number, threeDs } of GOOD_CARDS) {
    test(`${number} pays${threeDs ? " after a code" : ""} and comes back to the shop with nothing added to the address`, async () => {
      const { id, url } = await waiting();
      let page = await open(url, { card: number });
      if (threeDs) {
        expect(page).toMatchObject({ status: 200, location: null });
        expect(page.html).toContain("3-D Secure");
        expect(page.html).toContain(`*${number.slice(-4)}`);
        expect(await statusOf(id)).toBe("pending");
        page = await open(url, { action: "code", code: "1234" });
      }
      expect(page).toMatchObject({ status: 303, location: RETURN_URL });
      expect(await lane.client.getPayment(id)).toMatchObject({
        status: "succeeded",
        paymentMethod: { title: `Bank card *${number.slice(-4)}`, saved: false },
      });
      const [shown] = lane.emulator.stats().payments;
      expect(shown).toMatchObject({ authorization_details: { three_d_secure: { applied: threeDs } } });
    });
  }

  for (const { number, threeDs, decline } of BAD_CARDS) {
    test(`${number} is declined for ${decline?.reason}, and the payment waits for another try`, async () => {
      const { id, url } = await waiting();
      let page = await open(url, { card: number });
      if (threeDs) page = await open(url, { action: "code", code: "1" });
      expect(page.html).toContain(REASONS_RU[decline?.reason ?? ""] ?? "?");
      expect(page.html).toContain('role="alert"');
      expect(await statusOf(id)).toBe("pending");
    });
  }

  test("may try another one after a decline", async () => {
    const { id, url } = await waiting();
    await open(url, { card: "5555555555554600" });
    expect((await open(url, { card: "5555555555554444" })).location).toBe(RETURN_URL);
    expect(await statusOf(id)).toBe("succeeded");
  });

  test("may not, where the shop has that switched off: the payment is over", async () => {
    lane.emulator.configure({ cardRetries: false });
    const { id, url } = await waiting();
    const { html } = await open(url, { card: "5555555555554584" });
    expect(html).toContain("Платёж отменён");
    expect(await lane.client.getPayment(id)).toMatchObject({
      status: "canceled",
      cancellation: { party: "yoo_money", reason: "country_forbidden" },
    });
    expect((await open(url, { card: "5555555555554444" })).html).toContain("Платёж отменён");
    expect(await statusOf(id)).toBe("canceled");
  });

  test("types its number himself, with spaces", async () => {
    const { id, url } = await waiting();
    const form = { action: "card", number: "4111 1111 1111 1111", expiry: "12/30", csc: "123" };
    expect((await open(url, form)).location).toBe(RETURN_URL);
    expect(await statusOf(id)).toBe("succeeded");
  });

  for (const [what, more, words] of [
    ["a card that is no test card", { number: "4242424242424242" }, "Такой тестовой карты нет"],
    ["no date", { expiry: "" }, "Срок карты"],
    ["a thirteenth month", { expiry: "13/30" }, "Срок карты"],
    ["a date that is over", { expiry: "10/26" }, "истёк"],
    ["too short a code", { csc: "12" }, "CVC"],
  ] as const) {
    test(`with ${what} is told so, and nothing happens`, async () => {
      const { id, url } = await waiting();
      const form = { action: "card", number: "5555555555554444", expiry: "11/26", csc: "123", ...more };
      const { html, status } = await open(url, form);
      expect(status).toBe(200);
      expect(html).toContain(words);
      expect(await statusOf(id)).toBe("pending");
    });
  }

  test("may fail at the code, and try again", async () => {
    const { id, url } = await waiting();
    await open(url, { card: "5555555555554477" });
    const { html } = await open(url, { action: "code_failed" });
    expect(html).toContain(REASONS_RU["3d_secure_failed"] ?? "?");
    expect((await open(url, { card: "5555555555554444" })).location).toBe(RETURN_URL);
    expect(await statusOf(id)).toBe("succeeded");
  });

  test("cannot send a code that nobody asked for", async () => {
    const { id, url } = await waiting();
    await open(url, { action: "code", code: "1234" });
    expect(await statusOf(id)).toBe("pending");
  });

  test("is declined whatever the card, when a switch says so", async () => {
    lane.emulator.faults.set("yookassa.card", { mode: "issuer_unavailable", times: 1 });
    const { id, url } = await waiting();
    expect((await open(url, { card: "5555555555554444" })).html).toContain(REASONS_RU.issuer_unavailable ?? "?");
    expect(await statusOf(id)).toBe("pending");
  });
});

describe("a payer with other thoughts", () => {
  test("pays later: back to the shop, and the payment waits", async () => {
    const { id, url } = await waiting();
    expect(await open(url, { action: "later" })).toMatchObject({ status: 303, location: RETURN_URL });
    expect(await statusOf(id)).toBe("pending");
    expect((await open(url, { card: "5555555555554444" })).location).toBe(RETURN_URL);
    expect(await statusOf(id)).toBe("succeeded");
  });

  test("cancels, or lets the time run out", async () => {
    for (const [action, reason] of [
      ["cancel", "general_decline"],
      ["expire", "expired_on_confirmation"],
    ] as const) {
      const { id, url } = await waiting();
      const { html } = await open(url, { action });
      expect(html).toContain("Платёж отменён");
      expect(html).toContain("Вернуться в магазин");
      expect(await lane.client.getPayment(id)).toMatchObject({ status: "canceled", cancellation: { reason } });
    }
  });

  test("comes an hour too late", async () => {
    const { id, url } = await waiting();
    await lane.emulator.advance(HOUR_MS);
    expect((await open(url, { card: "5555555555554444" })).html).toContain("Время на оплату вышло");
    expect(await statusOf(id)).toBe("canceled");
  });

  test("pays with a wallet, and with SBP only in a live shop", async () => {
    const test = await waiting();
    expect((await open(test.url)).html).not.toContain("СБП");
    expect((await open(test.url, { action: "sbp" })).html).toContain("В тестовом магазине нет СБП");
    expect(await statusOf(test.id)).toBe("pending");
    expect((await open(test.url, { action: "yoo_money" })).location).toBe(RETURN_URL);
    lane.emulator.configure({ test: false });
    const live = await waiting();
    expect((await open(live.url)).html).toContain("СБП");
    await open(live.url, { action: "sbp" });
    expect(await lane.client.getPayment(live.id)).toMatchObject({
      status: "succeeded",
      test: false,
      paymentMethod: { type: "sbp" },
    });
  });

  test("is told that the method will be stored, and stores it by paying", async () => {
    const { id, url } = await waiting({ savePaymentMethod: true });
    expect((await open(url)).html).toContain("Способ оплаты будет сохранён");
    await open(url, { card: "5555555555554444" });
    expect((await lane.client.getPayment(id))?.paymentMethod).toMatchObject({ saved: true, id });
    expect(lane.emulator.stats().counts.methods).toBe(1);
  });

  test("presses something that is not there", async () => {
    const { id, url } = await waiting();
    expect((await open(url, { action: "steal" })).html).toContain("Непонятное действие");
    expect(await statusOf(id)).toBe("pending");
  });
});
