import { afterAll, describe, expect, test } from "bun:test";
import { runProgram } from "./program.ts";

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

  test("asks the listener of metrics with --metrics, which a worker has too", async () => {
    answer = () => Response.json({ status: "ready", checks: { database: "ok" } });
    const metrics = ["healthcheck", "--metrics"];
    const environment = { PORT: "1", METRICS_PORT: PORT };
    expect(await runProgram(metrics, { environment })).toMatchObject({
      code: 0,
      out: `ready: http://127.0.0.1:${PORT}/health/ready answers 200\n`,
    });
    expect(await runProgram(metrics, { environment: { PORT } })).toMatchObject({ code: 2, out: "" });
    expect((await runProgram([...metrics, "--url", `http://localhost:${PORT}`], { environment })).code).toBe(2);
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
