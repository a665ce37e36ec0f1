import { randomUUID } from "node:crypto";
import { grantCredits } from "../src/features/billing/index.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { call, requestText } from "./callers.ts";
import { runOldApi } from "./old-stack.ts";
import { photo } from "./photo.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { openShop, type Visitor } from "./shop.ts";

/**
 * G1: `POST /fitting/generate` accepted by the compiled program on Postgres: the debit, the row and the job in one transaction,
 * 32 callers, each for people of its own who take turns. Beside it the old stack's order: debit, entry, row, then a task for
 * Celery. Only accepting is measured, so neither side has a worker: what is accepted waits in the queue, ours in Postgres and
 * theirs in Redis. What one round left is cleared away before the next begins, outside the time that counts.
 */
const CALLERS = 32;
/** As many people for each caller, so that nobody has more pictures in work in one round than people may have. */
const PEOPLE = 8;
const SECONDS = 4;
const ROUNDS = 3;
/** More than is ordered in all rounds. */
const CREDITS = 1_000_000;
/** People who come in at once, before anything is measured. */
const ARRIVALS = 8;
const ORDER = { zone: "outerwear" };

const server = await startBenchServer();
const url = await server.database();
const folder = makeTemporaryFolder("atelier-bench-");
const environment = { DATABASE_URL: url, DATA_DIR: folder, ACTIVE_GENERATIONS_MAX: "100" };
const shop = await openShop(environment, { role: "api" });
const { ctx, database, close } = await openProduct(url, { DATA_DIR: folder });
const old = await runOldApi(await server.database(), { worker: false });

async function customer(): Promise<{ visitor: Visitor; body: Record<string, unknown> }> {
  const visitor = await shop.visitor();
  await grantCredits(ctx, { userId: visitor.id, kind: "gift", credits: CREDITS, source: `bench:${visitor.id}` });
  const form = new FormData();
  for (const name of ["user_photo", "item_photo"])
    form.set(name, new File([small], "photo.jpg", { type: "image/jpeg" }));
  const photos = (await visitor.ask("POST", "/fitting/upload", form)) as Record<string, { id: string }>;
  return { visitor, body: { ...ORDER, user_photo_id: photos.user_photo?.id, item_photo_id: photos.item_photo?.id } };
}

/** Ends the pictures that wait and drops their jobs, and lets Postgres tidy up what that left. */
async function clearAway(): Promise<void> {
  const some = "select id from generations where status = 'queued' limit 2000";
  const end = `update generations set status = 'cancelled', finished_at = now() where id in (${some}) returning id`;
  while ((await database.raw(end)).length > 0);
  await database.raw("truncate jobs");
  for (const table of ["generations", "users", "credit_grants", "live_sequences", "idempotency_keys"]) {
    await database.raw(`vacuum analyze ${table}`);
  }
}

const small = await photo(600, 800);
try {
  const customers: Awaited<ReturnType<typeof customer>>[] = [];
  while (customers.length < CALLERS * PEOPLE) {
    customers.push(...(await Promise.all(Array.from({ length: ARRIVALS }, customer))));
  }
  const oldTokens = old ? await Promise.all(Array.from({ length: CALLERS }, old.signIn)) : [];
  const orderOurs = async () => {
    await clearAway();
    return call({
      base: shop.base,
      callers: CALLERS,
      seconds: SECONDS,
      status: 202,
      request(caller, turn) {
        const one = customers[caller * PEOPLE + (turn % PEOPLE)];
        const headers = { authorization: `Bearer ${one?.visitor.token}`, "idempotency-key": randomUUID() };
        return requestText("POST", "/api/v1/fitting/generate", headers, one?.body);
      },
    });
  };
  const orderOld = (base: string) =>
    call({
      base,
      callers: CALLERS,
      seconds: SECONDS,
      status: 202,
      request: (caller) => requestText("POST", "/generate", { authorization: `Bearer ${oldTokens[caller]}` }, ORDER),
    });
  const samples = await alternate({ [OURS]: orderOurs, ...(old && { "old stack": () => orderOld(old.base) }) }, ROUNDS);
  await report("order", samples, [{ goal: "G1", what: "per_second", against: "old stack", atLeast: 15 }]);
} finally {
  await Promise.all([shop.stop(), old?.stop(), close()]);
  await server.stop();
}
