import { afterAll, describe, expect, test } from "bun:test";
import { roleIn } from "../../src/commands/healthcheck.ts";
import { after, MINUTE_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { processIdentity } from "../../src/platform/queue/rescue.ts";
import { schedules, workers } from "../../src/platform/queue/tables.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf } from "./program.ts";

let answer = () => Response.json({ status: "ready", checks: { database: "ok" } });
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) =>
    new URL(request.url).pathname === "/health/ready" ? answer() : new Response("?", { status: 404 }),
});
afterAll(() => server.stop(true));
const PORT = String(server.port);

describe("atelier healthcheck", () => {
  test("ends with 0 when the server at PORT of this machine is ready, whatever else is set wrong", async () => {
    answer = () => Response.json({ status: "ready", checks: { database: "ok" } });
    const { code, out, err } = await runProgram(["healthcheck"], { environment: { PORT, LOG_LEVEL: "loud" } });
    expect({ code, out, err }).toEqual({
      code: 0,
      out: `ready: http://127.0.0.1:${PORT}/health/ready answers 200\n`,
      err: "",
    });
  });

  test("takes another address with --url", async () => {
    answer = () => Response.json({ status: "ready", checks: {} });
    expect((await runProgram(["healthcheck", "--url", `http://localhost:${PORT}`])).code).toBe(0);
    expect((await runProgram(["healthcheck", "--url", `http://localhost:${PORT}/elsewhere`])).code).toBe(1);
  });

  test("ends with 1 and names what failed when the server is not ready", async () => {
    answer = () =>
      Response.json({ status: "not_ready", checks: { database: "failed", images: "ok" } }, { status: 503 });
    const { code, out } = await runProgram(["healthcheck"], { environment: { PORT } });
    expect({ code, out }).toEqual({
      code: 1,
      out: `not ready: http://127.0.0.1:${PORT}/health/ready answers 503 (failed: database)\n`,
    });
  });

  test("ends with 1 when something else or nobody answers", async () => {
    answer = () => new Response("<h1>It works!</h1>");
    expect((await runProgram(["healthcheck"], { environment: { PORT } })).code).toBe(1);
    // Port 1 is reserved and nothing listens there.
    const { code, out } = await runProgram(["healthcheck"], { environment: { PORT: "1" } });
    expect(code).toBe(1);
    expect(out).toStartWith("not ready: http://127.0.0.1:1/health/ready does not answer");
  });
});

describe("atelier healthcheck where there is no port", () => {
  test.each([
    ["/usr/local/bin/atelier serve", "all"],
    ["/usr/local/bin/atelier serve --role worker", "worker"],
    ["atelier serve --port 3001 --role=scheduler", "scheduler"],
    ["/sbin/docker-init -- /usr/local/bin/atelier serve --role worker", "worker"],
    ["/usr/local/bin/atelier serve --role boss", "all"],
    ["/usr/local/bin/atelier serve --role", "all"],
    ["/usr/local/bin/other serve --role worker", "all"],
    ["/sbin/init", "all"],
    ["", "all"],
  ] as const)("takes from the command line %p of process 1 the role %s", (line, role) => {
    expect(roleIn(line.split(" "))).toBe(role);
  });

  test("--role worker looks for the heartbeat of a worker of this very machine", async () => {
    const app = await startTestApp({ clock: createTestClock(new Date()) });
    const environment = settingsOf(app.database);
    const ask = () => runProgram(["healthcheck", "--role", "worker"], { environment });
    const add = (hostname: string, heartbeatAt: Date) =>
      app.ctx.db.insert(workers).values({
        ...{ id: newId(), hostname, processId: 1, processStart: "" },
        ...{ kinds: ["generation.run"], startedAt: heartbeatAt, heartbeatAt },
      });
    const here = processIdentity().hostname;
    await add("elsewhere", new Date());
    expect(await ask()).toMatchObject({ code: 1, out: "not ready: no worker runs here: none has signed in\n" });
    await add(here, after(new Date(), -MINUTE_MS));
    expect(await ask()).toMatchObject({ code: 1, out: "not ready: no worker runs here: its heartbeat has stopped\n" });
    await add(here, new Date());
    expect(await ask()).toMatchObject({ code: 0, out: "ready: a worker runs here, with 0 jobs in hand\n" });
  });

  test("--role scheduler looks whether any scheduler acts", async () => {
    const app = await startTestApp({ clock: createTestClock(new Date()) });
    const environment = settingsOf(app.database);
    const ask = () => runProgram(["healthcheck", "--role", "scheduler"], { environment });
    expect((await ask()).code).toBe(1);
    const old = { name: "a", lastSlot: after(new Date(), -5 * MINUTE_MS), runs: 1 };
    await app.ctx.db.insert(schedules).values(old);
    expect((await ask()).code).toBe(1);
    await app.ctx.db.insert(schedules).values({ ...old, name: "b", lastSlot: new Date() });
    expect((await ask()).code).toBe(0);
  });

  test("a database that does not answer, and a role that does not exist, are sentences", async () => {
    const environment = { DATA_DIR: "/nowhere/at/all" };
    const gone = await runProgram(["healthcheck", "--role", "worker"], { environment });
    expect({ code: gone.code, err: gone.err.split("\n").length }).toEqual({ code: 2, err: 2 });
    expect((await runProgram(["healthcheck", "--role", "boss"])).err).toContain(
      "--role must be one of all, api, worker",
    );
  });
});
