import { describe, expect, test } from "bun:test";
import { MINUTE_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { createLivePresence, isConnected } from "../../../src/platform/live/presence.ts";
import { liveConnections, liveHosts } from "../../../src/platform/live/tables.ts";
import { useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();
const rows = async () => [
  (await machinery().ctx.db.select().from(liveHosts)).length,
  (await machinery().ctx.db.select().from(liveConnections)).length,
];

describe("who has a socket open", () => {
  test("is known to another process as long as one of the person's sockets is", async () => {
    const { ctx, another } = machinery();
    const other = await another();
    const person = newId();
    const presence = createLivePresence(ctx);
    const [leave, leaveToo] = [presence.opened(person), presence.opened(person)];
    presence.opened(newId());
    await until(async () => (await rows())[1] === 3, "three connections are written down");
    expect(await isConnected(other.ctx, person)).toBe(true);
    leave();
    await until(async () => (await rows())[1] === 2, "one has ended");
    expect(await isConnected(other.ctx, person)).toBe(true);
    leaveToo();
    await until(async () => (await rows())[1] === 1, "the second has ended");
    expect(await isConnected(other.ctx, person)).toBe(false);
    await presence.stop();
    expect(await rows()).toEqual([0, 0]);
  });

  test("a socket that ends at once leaves nothing behind, and a process that stopped writes nothing more", async () => {
    const { ctx, logLines } = machinery();
    const presence = createLivePresence(ctx);
    for (let count = 0; count < 20; count += 1) presence.opened(newId())();
    const leave = presence.opened(newId());
    await presence.stop();
    leave();
    presence.opened(newId());
    await presence.stop();
    expect(await rows()).toEqual([0, 0]);
    expect(logLines.filter((line) => line.includes("could not be written"))).toEqual([]);
  });

  test("a killed process's people count no more after a minute, and its rows go with a later heartbeat", async () => {
    const { ctx, clock } = machinery();
    const [dead, person] = [newId(), newId()];
    await ctx.db.insert(liveHosts).values({ id: dead, heartbeatAt: clock.now() });
    await ctx.db.insert(liveConnections).values({ id: newId(), hostId: dead, userId: person });
    clock.advance(MINUTE_MS - 1);
    expect(await isConnected(ctx, person)).toBe(true);
    clock.advance(SECOND_MS);
    expect(await isConnected(ctx, person)).toBe(false);
    clock.advance(10 * MINUTE_MS);
    const presence = createLivePresence(ctx);
    presence.opened(newId());
    await until(async () => (await rows()).join() === "1,1", "the dead process's rows are gone");
    expect(await isConnected(ctx, person)).toBe(false);
    await presence.stop();
  });
});
