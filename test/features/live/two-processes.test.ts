import { afterAll, describe, expect, test } from "bun:test";
import { operators } from "../../../src/features/auth/tables.ts";
import { publish } from "../../../src/platform/live/events.ts";
import { startTestApp } from "../../support/app.ts";
import { createTestDatabase, lane } from "../../support/database.ts";
import { within } from "../../support/timing.ts";
import { connect, numbersOf, tell, upTo } from "./live-client.ts";

const database = await createTestDatabase();
const api = await startTestApp({ database });
const port = await api.listen();
const worker = await startTestApp({ database });
await worker.ctx.wakeUps.start();
afterAll(async () => {
  await worker.close();
  await api.close();
  await database.remove();
});

/**
 * Where API and worker are different processes, a worker writes the events and an API tells them. Two contexts share
 * nothing here but the database, as two processes would.
 */
describe.skipIf(lane === "sqlite")("events between two processes (with SQLite one process does everything)", () => {
  test("reach a socket of the other one, each once and in order, long before anybody would poll", async () => {
    const person = await api.signIn();
    const client = await connect(api, port, person, 0);
    await client.hello;
    for (let index = 0; index < 5; index += 1) {
      const begun = performance.now();
      await tell(worker, person.id, { index });
      await client.until(index + 1);
      expect(performance.now() - begun).toBeLessThan(within(1_500, 4_000));
    }
    await Promise.all(Array.from({ length: 100 }, (_, index) => tell(index % 2 === 0 ? worker : api, person.id)));
    await client.until(105);
    await Bun.sleep(30);
    expect(numbersOf(client.events)).toEqual(upTo(105));
    client.socket.close();
  }, 60_000);

  test("wake a long poll of the other one", async () => {
    const person = await api.signIn();
    const waiting = api.request("/live/events?since=0&wait=20", { as: person });
    await Bun.sleep(100);
    const begun = performance.now();
    await tell(worker, person.id, { from: "the worker" });
    const answer = (await (await waiting).json()) as { events: { data: unknown }[] };
    expect(answer.events.map((event) => event.data)).toEqual([{ from: "the worker" }]);
    expect(performance.now() - begun).toBeLessThan(within(1_500, 4_000));
  });

  test("hint an operator's socket of one at what the other did", async () => {
    const person = await api.signIn();
    await api.ctx.db.insert(operators).values({ userId: person.id, role: "viewer", createdAt: api.clock.now() });
    const client = await connect(api, port, person);
    await client.until(1);
    client.events.length = 0;
    const other = await worker.signIn();
    await worker.ctx.transaction(async (tx) => {
      await publish(tx, other.id, "generation.queued", { id: other.id });
    });
    await client.until(1);
    expect(client.events as unknown[]).toMatchObject([{ type: "panel", data: { topics: ["generations"] } }]);
    client.socket.close();
  });

  test("a ticket of one opens a socket at the other, and a session that ended there ends here", async () => {
    const person = await worker.signIn();
    const client = await connect(worker, port, person);
    expect((await client.hello).type).toBe("hello");
    client.socket.close();
    await worker.request("/auth/logout", { method: "POST", as: person });
    expect((await api.request("/profile", { as: person })).status).toBe(401);
  });
});
