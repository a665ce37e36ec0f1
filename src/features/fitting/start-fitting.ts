import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { type OrderedGeneration, screenWords, startGeneration } from "../generations/index.ts";
import { refuseInMaintenance } from "../maintenance/index.ts";
import { ownPhotos } from "../photos/index.ts";
import { fittingPrompt, NOTE_LENGTH_MAX } from "./fitting-prompt.ts";
import { ZONES, zoneById } from "./zones.ts";

export interface FittingOrder {
  userId: string;
  userPhotoId: string;
  itemPhotoId: string;
  zone: string;
  note?: string | undefined;
}

/** Orders a try-on. All gates stand before the charge: maintenance, both photos, the words, then those of every order. */
export async function startFitting(ctx: Context, order: FittingOrder): Promise<OrderedGeneration> {
  await refuseInMaintenance(ctx);
  const [userPhoto, itemPhoto] = await ownPhotos(ctx, order.userId, [
    { photoId: order.userPhotoId, purposes: ["user_photo"] },
    { photoId: order.itemPhotoId, purposes: ["item_photo"] },
  ]);
  const zone = zoneById(order.zone);
  if (!zone) {
    const known = ZONES.map(({ id }) => id).join(", ");
    throw new Refusal("validation_failed", { errors: [{ path: "/body/zone", message: `must be one of ${known}` }] });
  }
  const note = screenWords(order.note ?? "", { path: "/body/note", lengthMax: NOTE_LENGTH_MAX });
  return startGeneration(ctx, {
    userId: order.userId,
    type: "fitting",
    action: "fitting",
    prompt: fittingPrompt(zone, note),
    zone: zone.id,
    userPhoto,
    itemPhoto,
    ...(note === undefined ? {} : { note }),
  });
}
