import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { SECOND_MS } from "../../../src/platform/clock.ts";
import { open, startLive, TICKET_REFUSED, ticketFor } from "./live-client.ts";

const { product, server } = await startLive();

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
