import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { startBareApi } from "./bare-api.ts";
import { call, requestText } from "./callers.ts";
import { runOldApi } from "./old-stack.ts";
import { startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { openShop, type Visitor } from "./shop.ts";

/**
 * H1, H1s and H3: the signed-in `GET /balance` of the compiled program, 32 callers, each a person of their own. Beside it, one
 * process each: the old stack; Elysia with postgres.js and the same statement, without checking the token; Elysia's bare
 * hello, for SQLite. Servers, database and callers share the machine's cores.
 */
const CALLERS = 32;
const SECONDS = 4;
const ROUNDS = 3;

const callWith = (base: string, path: string, tokens: readonly string[]) => {
  const requests = tokens.map((token) => requestText("GET", path, { authorization: `Bearer ${token}` }));
  return call({ base, callers: CALLERS, seconds: SECONDS, status: 200, request: (caller) => requests[caller] ?? "" });
};
const tokensOf = (visitors: readonly Visitor[]) => visitors.map(({ token }) => token);
const many = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: CALLERS }, make));

const server = await startBenchServer();
const url = await server.database();
const shop = await openShop({ DATABASE_URL: url, DATA_DIR: makeTemporaryFolder("atelier-bench-") });
const small = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
const bare = await startBareApi(url);
const old = await runOldApi(await server.database());
try {
  const tokens = tokensOf(await many(shop.visitor));
  const smallTokens = tokensOf(await many(small.visitor));
  const oldTokens = old ? await many(old.signIn) : [];
  const samples = await alternate(
    {
      [OURS]: () => callWith(shop.base, "/api/v1/balance", tokens),
      ...(old && { "old stack": () => callWith(old.base, "/balance", oldTokens) }),
      "bare Elysia and postgres.js": () => callWith(bare.base, "/balance", tokens),
    },
    ROUNDS,
  );
  await report("balance", samples, [
    { goal: "H1", what: "per_second", against: "old stack", atLeast: 15 },
    { goal: "H1", what: "p99_ms", against: "old stack", atMost: 0.2 },
    { goal: "H3", what: "per_second", against: "bare Elysia and postgres.js", atLeast: 0.75 },
  ]);
  const onSqlite = await alternate(
    {
      [OURS]: () => callWith(small.base, "/api/v1/balance", smallTokens),
      "bare Elysia hello": () => callWith(bare.base, "/hello", smallTokens),
    },
    ROUNDS,
  );
  await report("balance-sqlite", onSqlite, [
    { goal: "H1s", what: "per_second", against: "bare Elysia hello", atLeast: 0.6 },
  ]);
} finally {
  await Promise.all([shop.stop(), small.stop(), bare.stop(), old?.stop()]);
  await server.stop();
}
