import { afterAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { publish } from "../../../src/platform/live/events.ts";
import { CLOSE_GOING_AWAY, CLOSE_TRY_AGAIN } from "../../../src/platform/live/socket.ts";
import { until } from "../../support/until.ts";
import { connect, numbersOf, openRaw, POLICY, serveLive, startLive, tell, ticketFor, upTo } from "./live-client.ts";

const { product, server } = await startLive();
const quick = serveLive(product, 40);
/** Somebody who waited for the slow one would wait for as long as that is not closed. */
const OTHERS_MS_MAX = 5_000;
afterAll(() => quick.stop());

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
      expect(performance.now() - begun).toBeLessThan(OTHERS_MS_MAX);
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
    await until(() => server.sockets.size === 0, "earlier sockets to go");
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
    expect(server.sockets.size).toBe(11);
    clients[0]?.socket.close();
    await clients[0]?.closed;
    await until(() => server.sockets.size === 10, "the place to be free");
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
