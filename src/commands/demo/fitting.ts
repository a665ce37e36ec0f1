import type { GenerationView } from "../../features/generations/index.ts";
import type { PhotoView } from "../../features/photos/index.ts";
import { ZONE_BOXES } from "../../sandbox/zone-boxes.ts";
import { print } from "../command.ts";
import { beginDemo, type DemoServer, deliver, photoOf, printLedger, size, watch } from "./server.ts";

/** A try-on from upload to picture. */
export async function fittingDemo(
  server: DemoServer,
  order: { person: string; item: string; zone: string; out: string },
): Promise<number> {
  const photos = { person: await photoOf(order.person), item: await photoOf(order.item) };
  const client = await beginDemo(server);
  const uploaded = await client.upload<{ user_photo: PhotoView; item_photo: PhotoView }>("/fitting/upload", {
    user_photo: photos.person,
    item_photo: photos.item,
  });
  print(`Uploaded the person (${size(uploaded.user_photo)}) and the item (${size(uploaded.item_photo)}).`);
  const ordered = await client.post<GenerationView>("/fitting/generate", {
    user_photo_id: uploaded.user_photo.id,
    item_photo_id: uploaded.item_photo.id,
    zone: order.zone,
  });
  print(`Ordered a try-on, zone ${order.zone}.`);
  const picture = await deliver(client, await watch(client, ordered.id), order.out);
  if (!picture) return 1;
  const before = await client.bytes(uploaded.user_photo.url);
  const changed = await server.sandbox.images.luminanceDifference(before, picture, ZONE_BOXES[order.zone]);
  const { inside, outside } = changed;
  print(
    `Mean difference from the person's photo: ${inside.toFixed(1)} in the zone, ${outside.toFixed(1)} elsewhere (of 255).\n`,
  );
  await printLedger(client);
  return 0;
}
