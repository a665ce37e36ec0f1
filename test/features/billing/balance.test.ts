import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { after, DAY_MS } from "../../../src/platform/clock.ts";
import { eventsSince, lastEventNumber } from "../../../src/platform/live/events.ts";
import { type Person, startTestApp } from "../../support/app.ts";
import { give, hold, refusalOf, releaseHold, settleHold, times } from "./ledger-tools.ts";

const product = await startTestApp();
const withoutFree = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
const { clock } = product;

interface BalanceAnswer {
  credits: number;
  reserved: number;
  free_actions: { limit: number; used: number; renews_at: string };
  subscription: unknown;
  next_expiry: unknown;
}
interface Entry {
  id: string;
  kind: string;
  action: string;
  credits: number;
  reserved: number;
  free_action: number;
  hold_id: string | null;
  created_at: string;
}
interface Page {
  items: Entry[];
  next_cursor: string | null;
}

async function balance(person: Person, app = product): Promise<BalanceAnswer> {
  const answer = await app.request("/balance", { as: person });
  expect(answer.status).toBe(200);
  return (await answer.json()) as BalanceAnswer;
}

async function entries(person: Person, query = "", app = product): Promise<Page> {
  const answer = await app.request(`/balance/entries${query}`, { as: person });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}

describe("GET /balance", () => {
  test("of a new person is nothing but free actions", async () => {
    const person = await product.signIn();
    expect(await balance(person)).toEqual({
      credits: 0,
      reserved: 0,
      free_actions: { limit: 10, used: 0, renews_at: "2026-11-30T21:00:00.000Z" },
      subscription: null,
      next_expiry: null,
    });
  });

  test("C10 shows what can be spent and what is held as two numbers", async () => {
    const person = await withoutFree.signIn();
    await give(withoutFree, person.id, 7);
    await hold(withoutFree, person.id);
    expect(await balance(person, withoutFree)).toMatchObject({ credits: 5, reserved: 2 });
  });

  test("counts free actions, and forgets last month's", async () => {
    const person = await product.signIn();
    await settleHold(product, await hold(product, person.id));
    await hold(product, person.id);
    expect((await balance(person)).free_actions.used).toBe(2);
    const november = clock.now();
    clock.set("2026-12-01T00:00:00Z");
    const later = await product.signIn({ telegramId: person.telegramId });
    expect((await balance(later)).free_actions).toEqual({ limit: 10, used: 0, renews_at: "2026-12-31T21:00:00.000Z" });
    clock.set(november);
  });

  test("names the plan, what is left of it and what ends next", async () => {
    const person = await product.signIn();
    const endsAt = after(clock.now(), 30 * DAY_MS);
    const soon = after(clock.now(), 3 * DAY_MS);
    await give(product, person.id, 50, { kind: "plan", expiresAt: endsAt });
    await give(product, person.id, 4, { kind: "gift", expiresAt: soon });
    await give(product, person.id, 5, { kind: "gift", expiresAt: soon });
    await give(product, person.id, 20);
    await product.ctx.db
      .update(users)
      .set({ subscriptionType: "pro", subscriptionEnd: endsAt })
      .where(eq(users.id, person.id));
    expect(await balance(person)).toMatchObject({
      credits: 79,
      subscription: { type: "pro", ends_at: endsAt.toISOString(), credits_left: 50, auto_renew: false },
      next_expiry: { credits: 9, at: soon.toISOString() },
    });
  });

  test("is nobody else's", async () => {
    const [anna, boris] = [await product.signIn(), await product.signIn()];
    await give(product, anna.id, 9);
    expect((await balance(boris)).credits).toBe(0);
    expect((await entries(boris)).items).toEqual([]);
    expect((await product.request("/balance")).status).toBe(401);
    expect((await product.request("/balance/entries")).status).toBe(401);
  });
});

describe("GET /balance/entries", () => {
  test("C2 shows the charge and the release of one operation, with the same hold_id, side by side", async () => {
    const person = await withoutFree.signIn();
    await give(withoutFree, person.id, 5);
    const held = await hold(withoutFree, person.id);
    await releaseHold(withoutFree, held);
    const { items } = await entries(person, "", withoutFree);
    expect(items.map(({ kind, credits, reserved, hold_id }) => ({ kind, credits, reserved, hold_id }))).toEqual([
      { kind: "release", credits: 2, reserved: -2, hold_id: held.id },
      { kind: "hold", credits: -2, reserved: 2, hold_id: held.id },
      { kind: "grant", credits: 5, reserved: 0, hold_id: null },
    ]);
    expect(items.every((item) => item.created_at === "2026-11-18T09:00:00.000Z")).toBe(true);
  });

  test("C2 shows a free action taken and given back as well", async () => {
    const person = await product.signIn();
    const held = await hold(product, person.id);
    await releaseHold(product, held);
    const { items } = await entries(person);
    expect(items.map(({ kind, free_action, hold_id }) => [kind, free_action, hold_id])).toEqual([
      ["release", 1, held.id],
      ["hold", -1, held.id],
    ]);
  });

  test("comes page by page without a gap or a repetition", async () => {
    const person = await withoutFree.signIn();
    for (let index = 1; index <= 25; index += 1) await give(withoutFree, person.id, index);
    const seen: number[] = [];
    let cursor = "";
    for (let page = 0; page < 10; page += 1) {
      const { items, next_cursor } = await entries(person, `?limit=10${cursor}`, withoutFree);
      seen.push(...items.map((item) => item.credits));
      if (next_cursor === null) break;
      cursor = `&cursor=${next_cursor}`;
    }
    expect(seen).toEqual(times(25, (index) => 25 - index));
  });

  test("refuses a page of no sensible size and a made-up cursor", async () => {
    const person = await product.signIn();
    for (const query of ["?limit=0", "?limit=101", "?limit=x", "?cursor=abc", "?other=1", "?limit=1.5"]) {
      expect((await product.request(`/balance/entries${query}`, { as: person })).status).toBe(422);
    }
  });
});

describe("too few credits", () => {
  test("C9 the refusal says what is required, what is there, when it renews and what would cover it", async () => {
    const person = await withoutFree.signIn();
    await give(withoutFree, person.id, 3);
    await hold(withoutFree, person.id);
    const refusal = await refusalOf(hold(withoutFree, person.id));
    expect(refusal.code).toBe("insufficient_credits");
    expect(refusal.details).toEqual({
      required: 2,
      available: 1,
      reserved: 2,
      free_actions_left: 0,
      renews_at: "2026-11-30T21:00:00.000Z",
      offers: [
        { key: "pack_20", credits: 20, price_kopecks: 14900 },
        { key: "basic", credits: 50, price_kopecks: 29900 },
        { key: "pack_60", credits: 60, price_kopecks: 39900 },
      ],
    });
  });
});

describe("the event balance.changed", () => {
  test("C10 follows every movement with both numbers, the release too", async () => {
    const person = await withoutFree.signIn();
    await give(withoutFree, person.id, 5);
    const since = await lastEventNumber(withoutFree.ctx, person.id);
    const held = await hold(withoutFree, person.id);
    await releaseHold(withoutFree, held);
    await settleHold(withoutFree, await hold(withoutFree, person.id));
    const events = await eventsSince(withoutFree.ctx, person.id, since);
    expect(events.map((event) => event.type)).toEqual(times(4, () => "balance.changed"));
    expect(events.map((event) => event.data)).toEqual([
      { credits: 3, reserved: 2, reason: "hold", action: "fitting" },
      { credits: 5, reserved: 0, reason: "release", action: "fitting" },
      { credits: 3, reserved: 2, reason: "hold", action: "fitting" },
      { credits: 3, reserved: 0, reason: "settle", action: "fitting" },
    ]);
  });

  test("C10 is not sent for a release that changed nothing", async () => {
    const person = await withoutFree.signIn();
    await give(withoutFree, person.id, 5);
    const held = await hold(withoutFree, person.id);
    await settleHold(withoutFree, held);
    const since = await lastEventNumber(withoutFree.ctx, person.id);
    await releaseHold(withoutFree, held);
    expect(await eventsSince(withoutFree.ctx, person.id, since)).toEqual([]);
  });
});
