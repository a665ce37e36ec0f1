import { eq } from "drizzle-orm";
import { payments } from "../../src/features/billing/index.ts";
import { each, GOOD_CARD, visitors } from "../panel-routes.ts";
import { type Fields, settled, type Visitor } from "../shop.ts";
import { readList } from "./account-routes.ts";
import type { World } from "./world.ts";

/** What is bought: packs, and plans that renew. The payer's page and the notices are the emulator's. */

const CHANGES = 7;

interface Order {
  person: Visitor;
  id: string;
}

async function buy({ watch }: World, person: Visitor, wanted: Fields): Promise<Order> {
  const create = () => person.call("POST", "/payments/create", wanted);
  const { payment } = await watch.time("POST /payments/create", "", create);
  const { id, confirmation_url } = payment as { id: string; confirmation_url: string };
  const body = new URLSearchParams({ card: GOOD_CARD });
  await fetch(confirmation_url, { method: "POST", body, redirect: "manual" });
  return { person, id };
}

const paid = ({ person, id }: Order) =>
  settled(async () => (await person.ask("GET", `/payments/${id}`)).status === "succeeded", "something is paid");

async function measurePayments(world: World): Promise<void> {
  const { shop, watch, product } = world;
  const orders: Order[] = [];
  await each(await visitors(shop, CHANGES), async (person) => {
    orders.push(await buy(world, person, { product: "pack_60" }));
  });
  await Promise.all(orders.map(paid));
  await each(orders, async ({ person, id }) => {
    await watch.time("GET /payments/{id}", "", () => person.call("GET", `/payments/${id}`));
    const [row] = await product.ctx.db.select().from(payments).where(eq(payments.id, id));
    const notice = { type: "notification", event: "payment.succeeded", object: { id: row?.yookassaId } };
    const tell = () => person.call("POST", "/payments/webhook", notice);
    await watch.time("POST /payments/webhook", "", tell);
  });
  await readList(world, "/payments");
}

async function measureSubscriptions(world: World): Promise<void> {
  const { shop, watch } = world;
  const orders: Order[] = [];
  await each(await visitors(shop, CHANGES), async (person) => {
    orders.push(await buy(world, person, { product: "pro", save_method: true }));
  });
  await Promise.all(orders.map(paid));
  await each(orders, async ({ person }) => {
    const ask = (method: string, path: string, body?: Fields) =>
      watch.time(`${method} ${path.split("?")[0]}`, "", () => person.call(method, path, body));
    await ask("GET", "/subscription");
    await ask("GET", "/subscription/change?plan=premium");
    await ask("POST", "/subscription/change", { plan: "basic" });
    await ask("POST", "/subscription/cancel");
    await ask("POST", "/subscription/resume");
    await ask("DELETE", "/subscription/method");
  });
}

export const MONEY_STEPS = [measurePayments, measureSubscriptions];
