import { join } from "node:path";
import { alternate } from "./alternation.ts";
import { call, requestText } from "./callers.ts";
import { freePort } from "./free-port.ts";
import { linesOf } from "./npm-peers.ts";
import { startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";

/**
 * H2: what the check of the sign-in adds to `GET /balance` on Postgres, 32 callers: token, session, ban, and the language for
 * a refusal. The same route without it reads the person by their id and believes whoever asks; both are routes of one
 * process, the product with one route more (`peer/checked-api.ts`).
 */
const SECONDS = 4;
const ROUNDS = 3;
const ADDED_MAX = 0.15;

interface Person {
  id: string;
  token: string;
}

const server = await startBenchServer();
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const url = await server.database();
const child = Bun.spawn(
  [process.execPath, "--no-env-file", join(import.meta.dir, "peer/checked-api.ts"), String(port), url],
  { stdout: "pipe", stderr: "inherit", env: { ...process.env, NODE_ENV: "production" } },
);
try {
  const { value, done } = await linesOf(child.stdout).next();
  if (done) throw new Error("the server did not start");
  const people = JSON.parse(value) as Person[];
  const callWith = (requests: readonly string[]) =>
    call({ base, callers: people.length, seconds: SECONDS, status: 200, request: (caller) => requests[caller] ?? "" });
  const checked = people.map(({ token }) =>
    requestText("GET", "/api/v1/balance", { authorization: `Bearer ${token}` }),
  );
  // As long as the other's, so that nothing but the check differs.
  const unchecked = people.map(({ id, token }) =>
    requestText("GET", "/api/v1/unchecked", { authorization: `Bearer ${token}`, "x-person": id }),
  );
  const samples = await alternate(
    { [OURS]: () => callWith(checked), "without the check": () => callWith(unchecked) },
    ROUNDS,
  );
  await report("sign-in-check", samples, [
    { goal: "H2", what: "per_second", against: "without the check", atLeast: 1 / (1 + ADDED_MAX) },
  ]);
} finally {
  child.kill("SIGTERM");
  await child.exited;
  await server.stop();
}
