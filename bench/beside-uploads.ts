import { join } from "node:path";
import { sleep } from "bun";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { requestText } from "./callers.ts";
import { linesOf } from "./npm-peers.ts";
import { type PacedAnswers, pace, waitOf } from "./paced-callers.ts";
import { photo } from "./photo.ts";
import { OURS, report } from "./result.ts";
import { openShop } from "./shop.ts";

/**
 * H4: what somebody who asks for something small waits while photos of 12 megapixels keep every core busy: `/health/live` and a
 * signed-in `GET /balance` of the compiled program, 100 of each a second, which come whether or not those before were
 * answered. Eight callers in another process upload all the time. The same without uploads stands beside it.
 */
const UPLOADERS = 8;
const PER_SECOND = 100;
const SECONDS = 6;
/** Until each of the callers has a photo in work. */
const WARM_MS = 1_500;
const CONNECTIONS = 64;
const ROUNDS = 3;

const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
const photoFile = `${makeTemporaryFolder("atelier-bench-")}/photo.jpg`;
await Bun.write(photoFile, await photo(4_000, 3_000));

const asker = await shop.visitor();
const balance = requestText("GET", "/api/v1/balance", { authorization: `Bearer ${asker.token}` });
const ping = requestText("GET", "/health/live");

function startUploads(tokens: readonly string[]) {
  const file = join(import.meta.dir, "peer/uploader.ts");
  const child = Bun.spawn([process.execPath, "--no-env-file", file, shop.base, photoFile, ...tokens], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let done = 0;
  const counting = (async () => {
    for await (const _ of linesOf(child.stdout)) done += 1;
  })();
  return {
    done: () => done,
    async stop() {
      child.kill("SIGTERM");
      await Promise.all([child.exited, counting]);
    },
  };
}

async function ask(): Promise<Record<string, number>> {
  const asked = { base: shop.base, perSecond: PER_SECOND, seconds: SECONDS, connectionsMax: CONNECTIONS };
  const [pings, balances] = await Promise.all([
    pace({ ...asked, request: () => ping }),
    pace({ ...asked, request: () => balance }),
  ]);
  for (const answers of [pings, balances]) {
    if (answers.waits.get(200)?.length !== answers.came) throw new Error(`not all were answered: ${inShort(answers)}`);
  }
  return {
    ping_p99_ms: waitOf(pings, [200], 0.99),
    balance_p99_ms: waitOf(balances, [200], 0.99),
    balance_median_ms: waitOf(balances, [200], 0.5),
  };
}

const inShort = ({ came, waits }: PacedAnswers): string =>
  [`${came} came`, ...[...waits].map(([status, list]) => `${list.length} got ${status}`)].join(", ");

try {
  const tokens = (await Promise.all(Array.from({ length: UPLOADERS }, shop.visitor))).map(({ token }) => token);
  const samples = await alternate(
    {
      [OURS]: async () => {
        const uploads = startUploads(tokens);
        try {
          await sleep(WARM_MS);
          const before = uploads.done();
          const waits = await ask();
          return { ...waits, uploads_per_second: (uploads.done() - before) / (SECONDS + 1) };
        } finally {
          await uploads.stop();
        }
      },
      "without uploads": ask,
    },
    ROUNDS,
  );
  await report("beside-uploads", samples, [
    { goal: "H4", what: "ping_p99_ms", atMost: 20 },
    { goal: "H4", what: "balance_p99_ms", atMost: 20 },
  ]);
} finally {
  await shop.stop();
}
