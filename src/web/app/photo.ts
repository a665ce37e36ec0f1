import type { CallFailure } from "../kit/api.ts";
import { failureOf } from "../kit/loading.ts";
import { createStore, type Store } from "../kit/store.ts";
import { confirmClosing } from "./closing.ts";
import { pause, pauseAfter } from "./patience.ts";
import { type PhotoFault, PhotoRefusal, preparePhoto } from "./photo-file.ts";
import { rememberedPhoto, rememberPhoto } from "./photo-memory.ts";
import { type PhotoField, type StoredPhoto, uploadPhoto } from "./photo-upload.ts";

/** A photo that somebody has chosen, on its way to the server. It stays while they look at other screens. */
export interface Photo {
  /** `waiting`: no network; it goes on by itself. `ready`: `stored` has the id to order with. */
  state: "empty" | "preparing" | "uploading" | "waiting" | "ready" | "failed";
  /** An address to show it by, from the moment it was chosen. */
  preview: string | null;
  /** Of one. */
  progress: number;
  stored: StoredPhoto | null;
  /** Why the server refused it. */
  failure: CallFailure | null;
  /** Why it was not sent at all. */
  fault: PhotoFault | null;
}

export interface PhotoSlot extends Photo {
  field: PhotoField;
  choose(file: File): void;
  /** Sends the same file again. */
  again(): void;
  /** The server has it no more: sends the same file again, or takes the photo away where the file is gone here, too. */
  renew(): void;
  /** Takes it away, and ends its upload. */
  clear(): void;
}

const EMPTY: Photo = { state: "empty", preview: null, progress: 0, stored: null, failure: null, fault: null };
/** A server that has no room now may have some soon. */
const COME_AGAIN: ReadonlySet<string> = new Set(["busy", "upload_too_slow"]);
const SERVER_TRIES_MAX = 4;

interface Slot {
  store: Store<Photo>;
  file: File | null;
  upload: AbortController | null;
}
const slots = new Map<PhotoField, Slot>();

/** The photo of this kind: the same one wherever it is asked for. */
export function usePhoto(field: PhotoField): PhotoSlot {
  const slot = slotOf(field);
  const now = slot.store.use();
  return {
    ...now,
    field,
    choose: (file) => choose(field, slot, file),
    again: () => slot.file && choose(field, slot, slot.file),
    renew: () => (slot.file ? choose(field, slot, slot.file) : clear(field, slot)),
    clear: () => clear(field, slot),
  };
}

/** For whoever comes in after somebody else. */
export function forgetPhotos(): void {
  for (const [field, slot] of slots) clear(field, slot);
}

function slotOf(field: PhotoField): Slot {
  const slot = slots.get(field) ?? { store: createStore(firstOf(field)), file: null, upload: null };
  slots.set(field, slot);
  return slot;
}

/** After a reload the file is gone, but the server may still have the photo. */
function firstOf(field: PhotoField): Photo {
  const stored = rememberedPhoto(field);
  return stored === null ? EMPTY : { ...EMPTY, state: "ready", preview: stored.url, progress: 1, stored };
}

function clear(field: PhotoField, slot: Slot): void {
  slot.upload?.abort();
  const { preview } = slot.store.read();
  if (preview !== null) URL.revokeObjectURL(preview);
  rememberPhoto(field, null);
  slot.file = null;
  slot.upload = null;
  slot.store.write(EMPTY);
}

async function choose(field: PhotoField, slot: Slot, file: File): Promise<void> {
  clear(field, slot);
  slot.file = file;
  const upload = new AbortController();
  slot.upload = upload;
  const show = (change: Partial<Photo>) => {
    if (!upload.signal.aborted) slot.store.write({ ...slot.store.read(), ...change });
  };
  show({ ...EMPTY, state: "preparing", preview: URL.createObjectURL(file) });
  const release = confirmClosing();
  try {
    const prepared = await preparePhoto(file);
    const stored = await sendAtLast(field, prepared, upload.signal, show);
    show({ state: "ready", progress: 1, stored });
    if (!upload.signal.aborted) rememberPhoto(field, stored);
  } catch (error) {
    const fault = error instanceof PhotoRefusal ? error.fault : null;
    show({ state: "failed", fault, failure: fault === null ? failureOf(error) : null });
  } finally {
    release();
  }
}

/** Sends it until there is an answer, however long the network is away. */
async function sendAtLast(
  field: PhotoField,
  file: File,
  signal: AbortSignal,
  show: (change: Partial<Photo>) => void,
): Promise<StoredPhoto> {
  for (let failures = 1; ; failures += 1) {
    show({ state: "uploading", progress: 0 });
    try {
      return await uploadPhoto(field, file, { signal, onProgress: (progress) => show({ progress }) });
    } catch (error) {
      const failure = failureOf(error);
      const { problem } = failure;
      const mayComeAgain = problem === null || (COME_AGAIN.has(problem.code) && failures < SERVER_TRIES_MAX);
      if (signal.aborted || !mayComeAgain) throw failure;
      show({ state: "waiting" });
      await pause(problem?.retry_after ? problem.retry_after * 1000 : pauseAfter(failures), signal);
      if (signal.aborted) throw failure;
    }
  }
}
