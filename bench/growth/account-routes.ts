import { each, visitors } from "../panel-routes.ts";
import type { Fields, Visitor } from "../shop.ts";
import { MADE_UP_TELEGRAM_IDS_FROM, madeUp, type World } from "./world.ts";

/** Routes of somebody's own account, and those that anybody may ask. */

const READS = 15;
const CHANGES = 7;
const PAGES_TURNED = 30;
/** Made-up people who come and go, beside the regular one: of those with a longer history. */
const HEAVY_EVERY = 10;

/** The same question again and again, of the regular person or somebody else. */
export async function read(
  { watch, regular }: World,
  path: string,
  { how = "", route = path.split("?")[0] ?? path, as = regular }: { how?: string; route?: string; as?: Visitor } = {},
): Promise<void> {
  for (let round = 0; round < READS; round += 1) await watch.time(`GET ${route}`, how, () => as.call("GET", path));
}

/** The first page, and one as far behind as there are pages. */
export async function readList(world: World, path: string, filters: readonly string[] = []): Promise<void> {
  await read(world, `${path}?limit=10`, { how: "ten" });
  let cursor = "";
  for (let page = 0; page < PAGES_TURNED; page += 1) {
    const answer = await world.regular.ask("GET", `${path}?limit=10${cursor}`);
    if (answer.next_cursor === null) break;
    cursor = `&cursor=${answer.next_cursor}`;
  }
  if (cursor !== "") await read(world, `${path}?limit=10${cursor}`, { how: "the last page" });
  for (const filter of filters) await read(world, `${path}?limit=10&${filter}`, { how: filter });
}

async function measureOutside({ all, shop, watch }: World): Promise<void> {
  for (let round = 0; round < READS; round += 1) {
    for (const path of ["/health/live", "/health/ready"])
      await all.time(`GET ${path}`, "", () => fetch(shop.base + path));
    await watch.time("GET /status", "", () => fetch(`${shop.base}/api/v1/status`));
  }
}

async function measureSignIn({ shop, watch }: World): Promise<void> {
  const post = (path: string, body: Fields, headers: Record<string, string> = {}) =>
    fetch(`${shop.base}/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  for (let number = 0; number < CHANGES; number += 1) {
    const init_data = await shop.launchData((await madeUp(shop, number * HEAVY_EVERY)).telegramId);
    const { refresh_token } = await watch.time("POST /auth/telegram", "", () => post("/auth/telegram", { init_data }));
    const { access_token } = await watch.time("POST /auth/refresh", "", () => post("/auth/refresh", { refresh_token }));
    const authorization = `Bearer ${access_token}`;
    await watch.time("POST /auth/logout", "", () => post("/auth/logout", {}, { authorization }));
  }
}

async function measureAccount(world: World): Promise<void> {
  const { watch, regular, shop } = world;
  for (const path of ["/profile", "/balance", "/plans", "/fitting/zones", "/referrals"]) await read(world, path);
  await read(world, "/profile/export", { how: "first page" });
  await readList(world, "/balance/entries");
  for (let round = 0; round < CHANGES; round += 1) {
    const language = round % 2 === 0 ? "en" : "ru";
    await watch.time("PATCH /profile", "", () => regular.call("PATCH", "/profile", { language }));
  }
  const code = `GROWN${Date.now().toString(36).toUpperCase()}`;
  await shop.run("promo", "create", "--credits", "5", "--uses", "100", "--code", code);
  await each(await visitors(shop, CHANGES), (person) =>
    watch.time("POST /promo/redeem", "", () => person.call("POST", "/promo/redeem", { code })),
  );
}

/** Made-up people with their whole history, the last of those who are there. */
async function measureErasure({ shop, watch, product }: World): Promise<void> {
  const last = await product.database.raw(
    `select telegram_id from users where telegram_id >= ${MADE_UP_TELEGRAM_IDS_FROM} and banned_at is null
     order by telegram_id desc limit ${CHANGES}`,
  );
  await each(last, async ({ telegram_id }) => {
    const person = await shop.signIn(Number(telegram_id));
    await watch.time("DELETE /profile", "", () => person.call("DELETE", "/profile", { confirm: "erase" }));
  });
}

export const ACCOUNT_STEPS = [measureOutside, measureSignIn, measureAccount, measureErasure];
