import { afterAll, describe, expect, test } from "bun:test";
import { EVENT_PAGE_SIZE, type LiveEvent, publish } from "../../../src/platform/live/events.ts";
import { type Person, startTestApp } from "../../support/app.ts";
import { within } from "../../support/timing.ts";
import { numbersOf, serveLive, tell, until, upTo } from "./live-client.ts";

const product = await startTestApp();
const server = serveLive(product);
afterAll(() => server.stop());

interface Answer {
  events: LiveEvent[];
  last_event: number;
}

async function ask(person: Person, query = "", signal?: AbortSignal): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/live/events${query}`, {
    headers: { authorization: `Bearer ${person.token}` },
    ...(signal ? { signal } : {}),
  });
  if (answer.status !== 200) throw new Error(`the poll answered ${answer.status}`);
  return (await answer.json()) as Answer;
}

describe("the long poll", () => {
  test("answers at once with what is there, also when it was told not to wait", async () => {
    const person = await product.signIn();
    for (let index = 0; index < 3; index += 1) await tell(product, person.id, { index });
    for (const query of ["?since=1", "?since=1&wait=0", "?since=1&wait=20"]) {
      const begun = performance.now();
      const answer = await ask(person, query);
      expect([numbersOf(answer.events), answer.last_event]).toEqual([[2, 3], 3]);
      expect(performance.now() - begun).toBeLessThan(within(1_000, 10_000));
    }
  });

  test("answers at once with nothing where there is nothing and nobody waits", async () => {
    const person = await product.signIn();
    expect(await ask(person)).toEqual({ events: [], last_event: 0 });
    await tell(product, person.id);
    expect(await ask(person)).toEqual({ events: [], last_event: 1 });
    expect(await ask(person, "?since=1")).toEqual({ events: [], last_event: 1 });
  });

  test("waits until the time is over", async () => {
    const person = await product.signIn();
    const begun = performance.now();
    expect((await ask(person, "?since=0&wait=1")).events).toEqual([]);
    expect(performance.now() - begun).toBeWithin(950, within(3_000, 15_000));
  });

  test("wakes up as soon as something happens", async () => {
    const person = await product.signIn();
    const waiting = ask(person, "?since=0&wait=20");
    await until(() => server.hub.size === 1, "the poll to wait");
    const begun = performance.now();
    await tell(product, person.id, { woken: true });
    const answer = await waiting;
    expect(performance.now() - begun).toBeLessThan(within(1_000, 10_000));
    expect(answer).toMatchObject({ events: [{ n: 1, data: { woken: true } }], last_event: 1 });
    expect(server.hub.size).toBe(0);
  });

  test("that its client gives up leaves nothing behind", async () => {
    const person = await product.signIn();
    const controller = new AbortController();
    const waiting = ask(person, "?since=0&wait=30", controller.signal).catch(() => "given up");
    await until(() => server.hub.size === 1, "the poll to wait");
    controller.abort();
    expect(await waiting).toBe("given up");
    await until(() => server.hub.size === 0, "the wait to end");
  });

  test("T8 one after the other sees every event once and in order while they are being written", async () => {
    const person = await product.signIn();
    const total = 300;
    const writing = (async () => {
      for (let index = 0; index < total; index += 5) {
        await Promise.all([0, 1, 2, 3, 4].map((part) => tell(product, person.id, { index: index + part })));
      }
    })();
    const seen: number[] = [];
    while (seen.length < total) {
      const answer = await ask(person, `?since=${seen.at(-1) ?? 0}&wait=10`);
      seen.push(...numbersOf(answer.events));
      expect(answer.last_event).toBe(seen.at(-1) ?? 0);
    }
    await writing;
    expect(seen).toEqual(upTo(total));
  }, 60_000);

  test("gives a long absence back page by page", async () => {
    const person = await product.signIn();
    const total = 2 * EVENT_PAGE_SIZE + 7;
    await product.ctx.transaction(async (tx) => {
      for (let index = 0; index < total; index += 1) await publish(tx, person.id, "notice", { index });
    });
    const sizes: number[] = [];
    let since = 0;
    while (since < total) {
      const answer = await ask(person, `?since=${since}&wait=5`);
      sizes.push(answer.events.length);
      since = answer.last_event;
    }
    expect(sizes).toEqual([EVENT_PAGE_SIZE, EVENT_PAGE_SIZE, 7]);
  });

  test("is the signed-in person's own", async () => {
    const [anna, boris] = [await product.signIn(), await product.signIn()];
    await tell(product, boris.id, { secret: true });
    expect((await ask(anna, "?since=0")).events).toEqual([]);
    expect((await product.request("/live/events?since=0")).status).toBe(401);
  });

  test("refuses numbers that are none and waits that are too long", async () => {
    const person = await product.signIn();
    for (const query of [
      "?since=-1",
      "?since=x",
      "?wait=51",
      "?wait=-1",
      "?wait=1.5",
      "?user_id=1",
      "?since=9007199254740993",
    ]) {
      expect([query, (await product.request(`/live/events${query}`, { as: person })).status]).toEqual([query, 422]);
    }
  });

  test("ends when the server stops, instead of holding it up", async () => {
    const person = await product.signIn();
    const stopping = serveLive(product);
    const waiting = fetch(`http://127.0.0.1:${stopping.port}/api/v1/live/events?since=0&wait=40`, {
      headers: { authorization: `Bearer ${person.token}` },
    });
    await until(() => stopping.hub.size === 1, "the poll to wait");
    const begun = performance.now();
    stopping.hub.stop();
    const answer = await waiting;
    expect(await answer.json()).toEqual({ events: [], last_event: 0 });
    expect(performance.now() - begun).toBeLessThan(within(1_000, 10_000));
    await stopping.stop();
  });
});
