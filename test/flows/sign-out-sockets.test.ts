import { expect, test } from "bun:test";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { connect } from "../features/live/live-client.ts";
import { startTestApp } from "../support/app.ts";
import { within } from "../support/timing.ts";

test(
  "whoever signs out takes that session's live sockets with them at once, and everywhere means all of theirs and nobody else's",
  async () => {
    const app = await startTestApp();
    const port = await app.listen();
    const phone = await app.signIn({ telegramId: 77_001 });
    const desk = await app.signIn({ telegramId: 77_001 });
    const tablet = await app.signIn({ telegramId: 77_001 });
    const other = await app.signIn();
    const sockets = {
      phone: await connect(app, port, phone),
      desk: await connect(app, port, desk),
      tablet: await connect(app, port, tablet),
      other: await connect(app, port, other),
    };
    await Promise.all(Object.values(sockets).map(({ hello }) => hello));

    const startedAt = performance.now();
    expect((await app.request("/auth/logout", { method: "POST", as: phone })).status).toBe(204);
    expect(await sockets.phone.closed).toMatchObject({ code: 1008, reason: "signed out" });
    expect(sockets.desk.socket.readyState).toBe(WebSocket.OPEN);
    const everywhere = await app.request("/auth/logout", { method: "POST", as: desk, json: { everywhere: true } });
    expect(everywhere.status).toBe(204);
    expect([(await sockets.desk.closed).code, (await sockets.tablet.closed).code]).toEqual([1008, 1008]);
    // The heartbeat, which would find it too, comes every 25 seconds.
    expect(performance.now() - startedAt).toBeLessThan(within(5_000, 20_000));
    expect(sockets.other.socket.readyState).toBe(WebSocket.OPEN);
    sockets.other.socket.close();
  },
  MINUTE_MS,
);
