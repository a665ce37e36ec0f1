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
 * 32 callers, each a person of their own. Beside it the old stack's order: debit, entry, row, then a task for Celery. Only
 * accepting is measured, so our server has no worker beside it, while Celery's takes its tasks, which do nothing.
 */
const CALLERS = 32;
const SECONDS = 4;
const ROUNDS = 3;
/** More than is ordered in all rounds. */
const CREDITS = 1_000_000;
const ORDER = { zone: "outerwear" };

const server = await startBenchServer();
const url = await server.database();
const folder = makeTemporaryFolder("atelier-bench-");
const environment = { DATABASE_URL: url, DATA_DIR: folder, ACTIVE_GENERATIONS_MAX: "100" };
const shop = await openShop(environment, { role: "api" });
const { ctx, database, close } = await openProduct(url, { DATA_DIR: folder });
const old = await runOldApi(await server.database());

async function customer(): Promise<{ visitor: Visitor; body: Record<string, unknown> }> {
  const visitor = await shop.visitor();
  await grantCredits(ctx, { userId: visitor.id, kind: "gift", credits: CREDITS, source: `bench:${visitor.id}` });
  const form = new FormData();
  for (const name of ["user_photo", "item_photo"])
    form.set(name, new File([small], "photo.jpg", { type: "image/jpeg" }));
  const photos = (await visitor.ask("POST", "/fitting/upload", form)) as Record<string, { id: string }>;
  return { visitor, body: { ...ORDER, user_photo_id: photos.user_photo?.id, item_photo_id: photos.item_photo?.id } };
}

const small = await photo(600, 800);
try {
  const customers: Awaited<ReturnType<typeof customer>>[] = [];
  for (let made = 0; made < CALLERS; made += 1) customers.push(await customer());
  const oldTokens = old ? await Promise.all(Array.from({ length: CALLERS }, old.signIn)) : [];
  const orderOurs = async () => {
    // Whoever has a hundred pictures in work waits: those of the rounds before are put aside, and those of this round
    // as they come.
    const finish = () =>
      database.raw(
        "update generations set status = 'cancelled', finished_at = now() where status = 'queued' and id in (select id from generations where status = 'queued' order by id limit 2000)",
      );
    await finish();
    const sweeping = setInterval(() => void finish(), 100);
    try {
      return await call({
        base: shop.base,
        callers: CALLERS,
        seconds: SECONDS,
        status: 202,
        request(caller) {
          const one = customers[caller];
          const headers = { authorization: `Bearer ${one?.visitor.token}`, "idempotency-key": randomUUID() };
          return requestText("POST", "/api/v1/fitting/generate", headers, one?.body);
        },
      });
    } finally {
      clearInterval(sweeping);
    }
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
