import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { call, requestText } from "./callers.ts";
import { startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { openShop, type Shop } from "./shop.ts";

/**
 * What the rate limits cost of H1: signed-in `GET /balance` of the compiled program on Postgres with RATE_LIMITS on and off,
 * 32 callers. Each request of a caller is of another person, and there are so many people that nobody's bucket is ever
 * empty: all are answered, and each pays for the look into the buckets.
 */
const CALLERS = 32;
/**
 * A person may ask 2 000 times at once and then 50 times a second: enough for all rounds together. More could not sign in
 * from one address without being limited themselves.
 */
const PEOPLE = 180;
const SECONDS = 4;
const ROUNDS = 3;
const OVERHEAD_MAX = 0.03;

async function tokensOf(shop: Shop): Promise<string[]> {
  const tokens: string[] = [];
  for (let made = 0; made < PEOPLE; made += 1) tokens.push((await shop.visitor()).token);
  return tokens;
}

const server = await startBenchServer();
const open = async (limits: "on" | "off") =>
  openShop({ DATABASE_URL: await server.database(), DATA_DIR: makeTemporaryFolder("atelier-bench-") }, { limits });
const limited = await open("on");
const unlimited = await open("off");
try {
  const run = async (shop: Shop) => {
    const requests = (await tokensOf(shop)).map((token) =>
      requestText("GET", "/api/v1/balance", { authorization: `Bearer ${token}` }),
    );
    return () =>
      call({
        ...{ base: shop.base, callers: CALLERS, seconds: SECONDS, status: 200 },
        request: (caller, turn) => requests[(turn * CALLERS + caller) % requests.length] ?? "",
      });
  };
  const samples = await alternate({ [OURS]: await run(limited), "without limits": await run(unlimited) }, ROUNDS);
  await report("rate-limits", samples, [
    { goal: "H1", what: "per_second", against: "without limits", atLeast: 1 - OVERHEAD_MAX },
  ]);
} finally {
  await Promise.all([limited.stop(), unlimited.stop()]);
  await server.stop();
}
