import { afterAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { SECOND_MS } from "../../../src/platform/clock.ts";
import { publish } from "../../../src/platform/live/events.ts";
import { CLOSE_GOING_AWAY, CLOSE_TRY_AGAIN } from "../../../src/platform/live/socket.ts";
import { startTestApp } from "../../support/app.ts";
import { connect, cut, numbersOf, open, openRaw, serveLive, tell, ticketFor, until, upTo } from "./live-client.ts";

const product = await startTestApp();
const server = serveLive(product);
const quick = serveLive(product, 40);
afterAll(async () => {
  await server.stop();
  await quick.stop();
});

const TICKET_REFUSED = 4401;
const POLICY = 1008;

describe("a ticket", () => {
  test("opens one socket, and not a second one", async () => {
    const person = await product.signIn();
    const ticket = await ticketFor(product, person);
    const first = open(server.port, `ticket=${ticket}`);
    expect(await first.hello).toEqual({ type: "hello", last_event: 0, active: [] });
    const second = open(server.port, `ticket=${ticket}`);
    expect((await second.closed).code).toBe(TICKET_REFUSED);
    first.socket.close();
  });

  test("that is wrong, too old, or of somebody who signed out or was banned opens none", async () => {
    const [late, leaver, banned] = [await product.signIn(), await product.signIn(), await product.signIn()];
    const tickets = [
      "made-up",
      "",
      await ticketFor(product, late),
      await ticketFor(product, leaver),
      await ticketFor(product, banned),
    ];
    await product.request("/auth/logout", { method: "POST", as: leaver });
    await product.ctx.db.update(users).set({ bannedAt: product.clock.now() }).where(eq(users.id, banned.id));
    product.clock.advance(30 * SECOND_MS);
    for (const ticket of tickets) {
      expect((await open(server.port, `ticket=${ticket}`).closed).code).toBe(TICKET_REFUSED);
    }
  });

  test("is good for thirty seconds, less a moment", async () => {
    const person = await product.signIn();
    const ticket = await ticketFor(product, person);
    product.clock.advance(30 * SECOND_MS - 1);
    const client = open(server.port, `ticket=${ticket}`);
    expect((await client.hello).type).toBe("hello");
    client.socket.close();
  });

  test("is asked for by signed-in people only", async () => {
    expect((await product.request("/live/ticket", { method: "POST" })).status).toBe(401);
  });
});

describe("before the upgrade", () => {
  const upgrade = (query: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${server.port}/api/v1/live${query}`, {
      headers: {
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        ...headers,
      },
    });

  test("a query that is not right is refused as everywhere", async () => {
    for (const query of [
      "",
      "?since=1",
      "?ticket=a&since=-1",
      "?ticket=a&since=x",
      "?ticket=a&token=b",
      "?ticket=a&since=1.5",
      "?ticket=a&panel=1",
    ]) {
      const answer = await upgrade(query);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect([query, answer.status]).toEqual([query, 422]);
    }
  });

  test("a page of another origin is refused, and its ticket stays unused", async () => {
    const person = await product.signIn();
    const ticket = await ticketFor(product, person);
    const answer = await upgrade(`?ticket=${ticket}`, { origin: "https://evil.example" });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([403, "forbidden"]);
    for (const origin of ["null", "http://127.0.0.1:10", "https://web.telegram.org.evil.example"]) {
      expect((await upgrade(`?ticket=${ticket}`, { origin })).status).toBe(403);
    }
    const client = open(server.port, `ticket=${ticket}`, { origin: "http://127.0.0.1:9" });
    expect((await client.hello).type).toBe("hello");
    client.socket.close();
  });

  test("a page of Telegram's web client is let in", async () => {
    const person = await product.signIn();
    const client = open(server.port, `ticket=${await ticketFor(product, person)}`, {
      origin: "https://web.telegram.org",
    });
    expect((await client.hello).type).toBe("hello");
    client.socket.close();
  });
});

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

describe("a socket is closed", () => {
  test("H6 when its reader stops, with 1013 and without touching others; it comes back with `since`", async () => {
    const [slow, calm] = [await product.signIn(), await product.signIn()];
    const stopped = await openRaw(server.port, `ticket=${await ticketFor(product, slow)}`);
    const fellow = await connect(product, server.port, slow);
    const other = await connect(product, server.port, calm);
    await Promise.all([fellow.hello, other.hello]);
    stopped.socket.pause();
    // More than the system's own buffers and ours hold together, in portions that a reader who reads takes easily.
    const text = "x".repeat(20_000);
    const portion = 40;
    const total = 15 * portion;
    for (let sent = portion; sent <= total; sent += portion) {
      await product.ctx.transaction(async (tx) => {
        for (let index = 0; index < portion; index += 1) await publish(tx, slow.id, "notice", { text });
      });
      const begun = performance.now();
      await tell(product, calm.id);
      await other.until(sent / portion);
      expect(performance.now() - begun).toBeLessThan(1_000);
      await fellow.until(sent);
    }
    expect(numbersOf(fellow.events)).toEqual(upTo(total));
    await until(() => product.logLines.some((line) => line.includes("slow reader")), "the slow reader to be closed");
    stopped.socket.resume();
    await stopped.ended;
    const received = stopped.received();
    // The last frame: close, 1013 in two bytes, the reason.
    const code = Buffer.from([CLOSE_TRY_AGAIN >> 8, CLOSE_TRY_AGAIN & 0xff]);
    const reason = "read faster and come back with since";
    expect(received.subarray(-reason.length - 2)).toEqual(Buffer.concat([code, Buffer.from(reason)]));
    const lastRead = Number([...received.toString("latin1").matchAll(/"n":(\d+)/g)].at(-1)?.[1]);
    expect(lastRead).toBeLessThan(total);
    const seen = [lastRead];
    while ((seen.at(-1) ?? 0) < total) {
      const again = await connect(product, server.port, slow, seen.at(-1));
      await Promise.race([again.until(total - (seen.at(-1) ?? 0)).catch(() => {}), again.closed]);
      seen.push(...numbersOf(again.events));
      again.socket.close();
    }
    expect(seen).toEqual(upTo(total, lastRead));
    for (const client of [fellow, other]) client.socket.close();
  }, 30_000);

  test("at the next heartbeat after its session ended", async () => {
    const [leaver, stayer] = [await product.signIn(), await product.signIn()];
    const [first, second] = [await connect(product, quick.port, leaver), await connect(product, quick.port, stayer)];
    await Promise.all([first.hello, second.hello]);
    await Bun.sleep(150);
    expect([first.socket.readyState, second.socket.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
    await product.request("/auth/logout", { method: "POST", as: leaver });
    expect(await first.closed).toEqual({ code: POLICY, reason: "signed out" });
    expect(second.socket.readyState).toBe(WebSocket.OPEN);
    second.socket.close();
  });

  test("at the next heartbeat after its person was banned", async () => {
    const person = await product.signIn();
    const client = await connect(product, quick.port, person);
    await client.hello;
    await product.ctx.db.update(users).set({ bannedAt: product.clock.now() }).where(eq(users.id, person.id));
    expect((await client.closed).code).toBe(POLICY);
  });

  test("as the eleventh of one person; another person's is not, and a freed place is taken again", async () => {
    const [many, one] = [await product.signIn(), await product.signIn()];
    const clients = [];
    for (let index = 0; index < 10; index += 1) {
      const client = await connect(product, server.port, many);
      await client.hello;
      clients.push(client);
    }
    expect(await (await connect(product, server.port, many)).closed).toEqual({
      code: POLICY,
      reason: "too many sockets",
    });
    const other = await connect(product, server.port, one);
    await other.hello;
    clients[0]?.socket.close();
    await clients[0]?.closed;
    const size = server.sockets.size;
    await until(() => server.sockets.size <= size, "the place to be free");
    const again = await connect(product, server.port, many);
    expect((await again.hello).type).toBe("hello");
    for (const client of [...clients, other, again]) client.socket.close();
  });

  test("when its client talks on and on", async () => {
    const person = await product.signIn();
    const client = await connect(product, server.port, person);
    await client.hello;
    for (let index = 0; index < 100; index += 1) client.socket.send("hello?");
    await Bun.sleep(50);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    client.socket.send("one too many");
    expect(await client.closed).toEqual({ code: POLICY, reason: "too many frames" });
  });

  test("when a frame is larger than any that a client could mean", async () => {
    const person = await product.signIn();
    const client = await connect(product, server.port, person);
    await client.hello;
    client.socket.send("x".repeat(65 * 1024));
    expect((await client.closed).code).not.toBe(1000);
  });

  test("when the server stops, with a word to come back", async () => {
    const stopping = serveLive(product);
    const person = await product.signIn();
    const client = await connect(product, stopping.port, person);
    await client.hello;
    stopping.sockets.stop();
    expect((await client.closed).code).toBe(CLOSE_GOING_AWAY);
    await stopping.stop();
  });
});
