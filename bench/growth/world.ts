import type { OpenContext } from "../../src/context.ts";
import { makeTemporaryFolder } from "../../test/support/temporary-folder.ts";
import { openProduct } from "../product.ts";
import { openShop, type Shop, type Visitor } from "../shop.ts";
import { createStopwatch, type Stopwatch } from "../stopwatch.ts";
import type { GrowthDatabase } from "./databases.ts";

/** Of made-up people, the first and every tenth after has done most. */
export const MADE_UP_TELEGRAM_IDS_FROM = 4_000_000_000_000;
const TERMS_VERSION = "2026-11";

/** A shop on a database of one size, and what was measured there. */
export interface World {
  label: string;
  shop: Shop;
  /** The same database in this process. */
  product: OpenContext;
  /** Routes of the API, behind `/api/v1`. */
  watch: Stopwatch;
  /** All that was measured. */
  all: Stopwatch;
  /** Somebody with a history, which is equally long in each size. */
  regular: Visitor;
}

export const EMULATED = {
  // What people are given must not run out while they are measured.
  FREE_ACTIONS_PER_MONTH: "1000",
  ACTIVE_GENERATIONS_MAX: "100",
  TERMS_VERSION,
  TERMS_URL: "https://app.example.org/terms",
} as const;

export async function openWorld({ label, url, dataFolder }: GrowthDatabase): Promise<World> {
  const DATA_DIR = dataFolder ?? makeTemporaryFolder("atelier-bench-");
  const shop = await openShop({ ...(url === "" ? {} : { DATABASE_URL: url }), DATA_DIR, ...EMULATED });
  const { PORT: _port, ...environment } = shop.environment;
  const product = await openProduct(url, { ...environment, DATA_DIR });
  const all = createStopwatch();
  const watch = all.under("/api/v1");
  const accepting = async (visitor: Visitor): Promise<Visitor> => {
    const accept = () => visitor.call("POST", "/profile/consent", { version: TERMS_VERSION });
    await watch.time("POST /profile/consent", "", accept);
    return visitor;
  };
  return {
    label,
    product,
    all,
    watch,
    shop: { ...shop, visitor: async () => accepting(await shop.visitor()) },
    regular: await accepting(await madeUp(shop, 0)),
  };
}

/** A made-up person by number. */
export const madeUp = (shop: Shop, number: number): Promise<Visitor> => shop.signIn(MADE_UP_TELEGRAM_IDS_FROM + number);

export async function closeWorld({ shop, product }: World): Promise<void> {
  await product.close();
  await shop.stop();
}
