import { problemOf } from "../../client.ts";
import { type AnswerOf, answerOf, api, CallFailure } from "../kit/api.ts";
import { tokens } from "../kit/session.ts";
import { language } from "../kit/words.ts";

/** Sending a photo, with its progress: `fetch` cannot tell how much has gone out. */

export type StoredPhoto = AnswerOf<typeof api.editing.upload.post>["photo"];
/** Which photo it is; it decides where it goes. */
export type PhotoField = "user_photo" | "item_photo" | "photo";

/** A phone network that moves nothing for so long is given up. */
const STALLED_MS_MAX = 30_000;

interface UploadOptions {
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** Sends it. Throws a `CallFailure`; one without a problem means that no answer came, or that `signal` ended it. */
export async function uploadPhoto(field: PhotoField, file: File, options: UploadOptions): Promise<StoredPhoto> {
  let answer = await send(field, file, options);
  if (answer.status === 401) {
    // Any call of the client renews the tokens.
    await answerOf(api.profile.get());
    answer = await send(field, file, options);
  }
  if (answer.status !== 200) throw new CallFailure(problemOf({ value: answer.body }));
  return (answer.body as Record<PhotoField, StoredPhoto>)[field];
}

function send(field: PhotoField, file: File, { onProgress, signal }: UploadOptions) {
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = () => {
      clearTimeout(stalled);
      reject(new CallFailure(null));
    };
    const abort = () => request.abort();
    let stalled = setTimeout(abort, STALLED_MS_MAX);
    request.upload.onprogress = ({ loaded, total }) => {
      clearTimeout(stalled);
      stalled = setTimeout(abort, STALLED_MS_MAX);
      if (total > 0) onProgress(Math.min(1, loaded / total));
    };
    request.onload = () => {
      clearTimeout(stalled);
      resolve({ status: request.status, body: request.response });
    };
    request.onerror = fail;
    request.onabort = fail;
    if (signal.aborted) return fail();
    signal.addEventListener("abort", abort, { once: true });
    request.open("POST", field === "photo" ? "/api/v1/editing/upload" : "/api/v1/fitting/upload");
    request.responseType = "json";
    request.setRequestHeader("authorization", `Bearer ${tokens.read()?.access_token ?? ""}`);
    request.setRequestHeader("accept-language", language.read());
    const form = new FormData();
    form.append(field, file);
    request.send(form);
  });
}
