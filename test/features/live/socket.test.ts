import { describe, expect, test } from "bun:test";
import { publish } from "../../../src/platform/live/events.ts";
import { until } from "../../support/until.ts";
import { connect, cut, numbersOf, startLive, tell, upTo } from "./live-client.ts";

const { product, server } = await startLive();

describe("a socket", () => {
  test("greets with the number of the last event, and then tells only what is new", async () => {
    const person = await product.signIn();
    for (let index = 0; index < 3; index += 1) await tell(product, person.id, { index });
    const client = await connect(product, server.port, person);
    expect((await client.hello).last_event).toBe(3);
    await tell(product, person.id, { index: 3 });
    await client.until(1);
    expect(client.events).toEqual([
      { n: 4, type: "notice", at: product.clock.now().toISOString(), data: { index: 3 } },
    ]);
    client.socket.close();
  });

  test("T8 with `since` tells each event after it once and in order, while two hundred more are being written", async () => {
    const person = await product.signIn();
    for (let index = 0; index < 20; index += 1) await tell(product, person.id);
    const writing = Promise.all(Array.from({ length: 200 }, (_, index) => tell(product, person.id, { index })));
    const clients = await Promise.all([0, 5, 20].map((since) => connect(product, server.port, person, since)));
    await writing;
    for (const [index, since] of [0, 5, 20].entries()) {
      const client = clients[index];
      await client?.until(220 - since);
      await Bun.sleep(20);
      expect(numbersOf(client?.events ?? [])).toEqual(upTo(220, since + 1));
      client?.socket.close();
    }
  }, 20_000);

  test("T8 cut at any point and opened again with `since` leaves no gap and tells nothing twice", async () => {
    const person = await product.signIn();
    const total = 200;
    const writing = (async () => {
      for (let index = 0; index < total; index += 4) {
        await Promise.all([0, 1, 2, 3].map((part) => tell(product, person.id, { index: index + part })));
      }
    })();
    const seen: number[] = [];
    let cuts = 0;
    while (seen.length < total) {
      const client = await connect(product, server.port, person, seen.at(-1) ?? 0);
      const wanted = Math.min(total - seen.length, 1 + Math.floor(Math.random() * 25));
      await client.until(wanted);
      // What was under way at the cut is lost with it.
      cut(client);
      seen.push(...numbersOf(client.events.slice(0, wanted)));
      cuts += 1;
    }
    await writing;
    expect(seen).toEqual(upTo(total));
    expect(cuts).toBeGreaterThan(5);
  }, 30_000);

  test("with a number that was never given out tells what comes next", async () => {
    const person = await product.signIn();
    await tell(product, person.id);
    const client = await connect(product, server.port, person, 9_999);
    expect((await client.hello).last_event).toBe(1);
    await tell(product, person.id);
    await client.until(1);
    expect(numbersOf(client.events)).toEqual([2]);
    client.socket.close();
  });

  test("tells nobody else's events", async () => {
    const [anna, boris] = [await product.signIn(), await product.signIn()];
    const client = await connect(product, server.port, anna, 0);
    await client.hello;
    await tell(product, boris.id, { secret: true });
    await tell(product, anna.id, { mine: true });
    await client.until(1);
    await Bun.sleep(30);
    expect(client.events.map((event) => event.data)).toEqual([{ mine: true }]);
    client.socket.close();
  });

  test("does not tell what was rolled back, and leaves no hole for it", async () => {
    const person = await product.signIn();
    const client = await connect(product, server.port, person, 0);
    await client.hello;
    await tell(product, person.id, { first: true });
    const undone = product.ctx.transaction(async (tx) => {
      await publish(tx, person.id, "notice", { undone: true });
      throw new Error("undone");
    });
    await undone.catch(() => {});
    await tell(product, person.id, { second: true });
    await client.until(2);
    expect(client.events.map((event) => [event.n, event.data])).toEqual([
      [1, { first: true }],
      [2, { second: true }],
    ]);
    client.socket.close();
  });

  test("that its client closes leaves nothing behind", async () => {
    await until(() => server.hub.size === 0 && server.sockets.size === 0, "earlier sockets to go");
    const person = await product.signIn();
    const clients = await Promise.all([1, 2, 3].map(() => connect(product, server.port, person)));
    await Promise.all(clients.map((client) => client.hello));
    expect([server.hub.size, server.sockets.size]).toEqual([3, 3]);
    clients[0]?.socket.close();
    if (clients[1]) cut(clients[1]);
    clients[2]?.socket.close(1000, "done");
    await until(() => server.hub.size === 0 && server.sockets.size === 0, "the sockets to go");
  });
});
