import type { GenerationView } from "../../src/features/generations/index.ts";
import type { PhotoView } from "../../src/features/photos/index.ts";
import type { Person, TestApp } from "./app.ts";
import { picture, uploadForm } from "./pictures.ts";

export interface Photos {
  user_photo: PhotoView;
  item_photo: PhotoView;
}

/** Uploads a person and an item. */
export async function uploadPhotos(app: TestApp, person: Person): Promise<Photos> {
  const body = uploadForm({
    user_photo: { bytes: await picture({ colour: [180, 160, 140] }) },
    item_photo: { bytes: await picture({ colour: [30, 60, 200], width: 200, height: 200 }) },
  });
  const response = await app.request("/fitting/upload", { method: "POST", as: person, body });
  if (response.status !== 200) throw new Error(`upload answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Photos;
}

/** Orders a try-on; the answer may be a refusal. */
export function order(
  app: TestApp,
  person: Person,
  photos: Photos,
  more: { zone?: string; note?: string; key?: string } = {},
): Promise<Response> {
  const { key, note, zone = "top" } = more;
  return app.request("/fitting/generate", {
    method: "POST",
    as: person,
    json: {
      user_photo_id: photos.user_photo.id,
      item_photo_id: photos.item_photo.id,
      zone,
      ...(note === undefined ? {} : { note }),
    },
    headers: key === undefined ? {} : { "idempotency-key": key },
  });
}

/** Orders a try-on that must be accepted. */
export async function ordered(
  app: TestApp,
  person: Person,
  more: Parameters<typeof order>[3] = {},
): Promise<GenerationView> {
  const response = await order(app, person, await uploadPhotos(app, person), more);
  if (response.status !== 202) throw new Error(`order answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as GenerationView;
}

/** The generation as its owner sees it now. */
export async function look(app: TestApp, person: Person, id: string): Promise<GenerationView> {
  const response = await app.request(`/generations/${id}`, { as: person });
  if (response.status !== 200) throw new Error(`generation answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as GenerationView;
}

/** The balance as its owner sees it now. */
export async function balance(app: TestApp, person: Person) {
  const response = await app.request("/balance", { as: person });
  return (await response.json()) as {
    credits: number;
    reserved: number;
    free_actions: { limit: number; used: number; renews_at: string };
  };
}

const FINAL = ["succeeded", "failed", "cancelled"];

/** Works until the generation has ended and returns how. */
export async function finish(app: TestApp, person: Person, id: string): Promise<GenerationView> {
  await app.work(async () => FINAL.includes((await look(app, person, id)).status));
  return look(app, person, id);
}
