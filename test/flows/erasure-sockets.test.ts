import { expect, test } from "bun:test";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { connect, ticketFor } from "../features/live/live-client.ts";
import { startTestApp } from "../support/app.ts";
import { within } from "../support/timing.ts";

test(
  "X4 live sockets of an erased person close at once, those of others stay open",
  async () => {
    const app = await startTestApp();
    const port = await app.listen();
    const [person, other] = [await app.signIn(), await app.signIn()];
    const mine = [await connect(app, port, person), await connect(app, port, person)];
    const theirs = await connect(app, port, other);
    const chat = new WebSocket(`ws://127.0.0.1:${port}/api/v1/editing/chat?ticket=${await ticketFor(app, person)}`);
    const chatClosed = new Promise<number>((resolve) => {
      chat.onclose = ({ code }) => resolve(code);
    });
    await new Promise<void>((resolve) => {
      chat.onmessage = () => resolve();
    });
    await Promise.all([...mine, theirs].map((client) => client.hello));
    const unused = await ticketFor(app, person);

    const startedAt = performance.now();
    const answer = await app.request("/profile", { method: "DELETE", as: person, json: { confirm: "erase" } });
    expect(answer.status).toBe(200);
    expect(await Promise.all(mine.map(async (client) => (await client.closed).code))).toEqual([1008, 1008]);
    expect(await chatClosed).toBe(1008);
    // The heartbeat, which would find it too, comes every 25 seconds.
    expect(performance.now() - startedAt).toBeLessThan(within(5_000, 20_000));
    expect(theirs.socket.readyState).toBe(WebSocket.OPEN);
    const late = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live?ticket=${unused}`);
    expect(await new Promise((resolve) => (late.onclose = ({ code }) => resolve(code)))).toBe(4401);
    theirs.socket.close();
  },
  MINUTE_MS,
);
