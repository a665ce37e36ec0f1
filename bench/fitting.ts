import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { photo } from "./photo.ts";
import { OURS, report } from "./result.ts";
import { openShop, settled } from "./shop.ts";

/**
 * F0: what a fitting takes besides the provider's own time, with photos of 12 megapixels: from the order's row to its end, as the
 * row itself says, less the time that the emulated provider takes for a task. One after another; there is no peer.
 */
const FITTINGS = 5;
const ROUNDS = 3;
/** How long the emulator's tasks last, from being made to their callback. */
const PROVIDER_MS = 1_200;

const large = await photo(4_000, 3_000);
const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-"), FREE_ACTIONS_PER_MONTH: "1000" });
const visitor = await shop.visitor();
const form = new FormData();
for (const name of ["user_photo", "item_photo"]) form.set(name, new File([large], "photo.jpg", { type: "image/jpeg" }));
const photos = (await visitor.ask("POST", "/fitting/upload", form)) as Record<string, { id: string }>;
const order = { user_photo_id: photos.user_photo?.id, item_photo_id: photos.item_photo?.id, zone: "outerwear" };

async function fitOnce(): Promise<number> {
  const { id } = await visitor.ask("POST", "/fitting/generate", order);
  let row = await visitor.ask("GET", `/generations/${id}`);
  await settled(async () => {
    row = await visitor.ask("GET", `/generations/${id}`);
    return row.finished_at !== undefined;
  }, "the fitting ends");
  if (row.status !== "succeeded") throw new Error(`a fitting ended as ${row.status}`);
  return Date.parse(String(row.finished_at)) - Date.parse(String(row.created_at)) - PROVIDER_MS;
}

try {
  const samples = await alternate(
    {
      [OURS]: async () => {
        let sum = 0;
        for (let made = 0; made < FITTINGS; made += 1) sum += await fitOnce();
        return { overhead_ms: sum / FITTINGS };
      },
    },
    ROUNDS,
  );
  await report("fitting", samples, [{ goal: "F0", what: "overhead_ms", atMost: 400 }]);
} finally {
  await shop.stop();
}
