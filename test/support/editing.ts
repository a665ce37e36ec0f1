import type { TurnAnswer } from "../../src/features/editing/answer.ts";
import type { PhotoView } from "../../src/features/photos/index.ts";
import type { Person, TestApp } from "./app.ts";
import { picture, uploadForm } from "./pictures.ts";

/** Uploads a photo to be edited. */
export async function uploadEditPhoto(app: TestApp, person: Person, size = 400): Promise<PhotoView> {
  const body = uploadForm({ photo: { bytes: await picture({ width: size, height: size }) } });
  const response = await app.request("/editing/upload", { method: "POST", as: person, body });
  if (response.status !== 200) throw new Error(`upload answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { photo: PhotoView }).photo;
}

export interface Said {
  message: string;
  session_id?: string;
  photo_id?: string;
  generation_id?: string;
  /** The client's own name of the message. */
  id?: string;
  key?: string;
}

/** Says something to the assistant and works until the answer, or the refusal, is there. */
export async function say(app: TestApp, person: Person, { key, ...json }: Said): Promise<Response> {
  let answered = false;
  const response = app
    .request("/editing/chat", {
      method: "POST",
      as: person,
      json,
      headers: key === undefined ? {} : { "idempotency-key": key },
    })
    .finally(() => {
      answered = true;
    });
  while (!answered) {
    await app.work(async () => answered);
    await Bun.sleep(2);
  }
  return response;
}

/** Says something that must be answered. */
export async function said(app: TestApp, person: Person, message: Said): Promise<TurnAnswer> {
  const response = await say(app, person, message);
  if (response.status !== 200) throw new Error(`the assistant answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as TurnAnswer;
}
