import { isNotNull } from "drizzle-orm";
import { callbackSecret } from "../../src/features/generations/attempts.ts";
import { generationAttempts } from "../../src/features/generations/index.ts";
import { each, fittingPhotos, orderFitting, SAMPLES_FOLDER, visitors } from "../panel-routes.ts";
import { type Fields, settled, type Visitor } from "../shop.ts";
import { read, readList } from "./account-routes.ts";
import type { World } from "./world.ts";

/** Pictures: photos in, orders, what comes of them. The provider is the emulator. */

const CHANGES = 7;

/** An order of somebody new, timed, as far as `status`. */
async function ordered(
  world: World,
  marker: string | undefined,
  status: string,
): Promise<{ person: Visitor; id: string }[]> {
  const { shop, watch } = world;
  const orders: { person: Visitor; id: string }[] = [];
  await each(await visitors(shop, CHANGES), async (person) => {
    await shop.pressStart(person.telegramId);
    const upload = () => person.call("POST", "/fitting/upload", fittingPhotos());
    const photos = await watch.time("POST /fitting/upload", "", upload);
    const wish = orderFitting(photos, marker);
    const { id } = await watch.time("POST /fitting/generate", "", () => person.call("POST", "/fitting/generate", wish));
    orders.push({ person, id: String(id) });
  });
  const isThere = ({ person, id }: { person: Visitor; id: string }) =>
    settled(async () => (await person.ask("GET", `/generations/${id}`)).status === status, `a picture is ${status}`);
  await Promise.all(orders.map(isThere));
  return orders;
}

async function measurePictures(world: World): Promise<void> {
  const { watch } = world;
  const made = await ordered(world, undefined, "succeeded");
  await each(made, async ({ person, id }) => {
    const ask = (method: string, path: string, route: string) =>
      watch.time(`${method} ${route}`, "", () => person.call(method, path));
    const { image_url } = await ask("GET", `/generations/${id}`, "/generations/{id}");
    await watch.time("GET /files/{token}", "", () => fetch(String(image_url)));
    await ask("POST", `/generations/${id}/send`, "/generations/{id}/send");
    await ask("DELETE", `/generations/${id}`, "/generations/{id}");
  });
  await readList(world, "/generations", ["type=editing", "status=failed"]);
  const [own] = (await world.regular.ask("GET", "/generations?limit=1")).items as { id: string }[];
  await read(world, `/generations/${own?.id}`, { route: "/generations/{id}", how: "of long ago" });
}

async function measureOtherEnds(world: World): Promise<void> {
  const { watch } = world;
  const act = (what: string) => (order: { person: Visitor; id: string }) =>
    watch.time(`POST /generations/{id}/${what}`, "", () =>
      order.person.call("POST", `/generations/${order.id}/${what}`),
    );
  await each(await ordered(world, "moderated", "failed"), act("retry"));
  await each(await ordered(world, "never", "running"), act("cancel"));
}

/** The provider speaks of tasks that have ended, as it may do late. */
async function measureCallbacks({ watch, product, shop }: World): Promise<void> {
  const attempts = await product.ctx.db
    .select()
    .from(generationAttempts)
    .where(isNotNull(generationAttempts.endedAt))
    .limit(CHANGES);
  await each(attempts, ({ id, providerTaskId }) =>
    watch.time("POST /kie/callback/{secret}", "", () =>
      fetch(`${shop.base}/api/v1/kie/callback/${callbackSecret(product.ctx, id)}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code: 200, msg: "success", data: { taskId: providerTaskId } }),
      }),
    ),
  );
}

async function measureEditing(world: World): Promise<void> {
  const { shop, watch } = world;
  await each(await visitors(shop, CHANGES), async (person) => {
    const post = (path: string, body: Fields | FormData) =>
      watch.time(`POST ${path}`, "", () => person.call("POST", path, body));
    const form = new FormData();
    form.append("photo", Bun.file(`${SAMPLES_FOLDER}/person.png`));
    const { photo } = (await post("/editing/upload", form)) as { photo: { id: string } };
    const { session_id } = await post("/editing/chat", { message: "warmer light", photo_id: photo.id });
    await watch.time("GET /editing/sessions/{id}", "", () => person.call("GET", `/editing/sessions/${session_id}`));
    await post("/editing/generate", { photo_id: photo.id, prompt: "warmer light" });
    await post("/editing/reset", { session_id });
  });
  await readList(world, "/editing/sessions");
}

export const PICTURE_STEPS = [measurePictures, measureOtherEnds, measureCallbacks, measureEditing];
