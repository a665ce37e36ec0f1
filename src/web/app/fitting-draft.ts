import { createStore } from "../kit/store.ts";
import { keepInTab, recall } from "./tab-memory.ts";

/** What a person has chosen for a try-on besides the photos, and which one they look at. A reload finds it again. */
export interface FittingDraft {
  /** An id of `GET /fitting/zones`. */
  zone: string | null;
  note: string;
  /** The try-on that is looked at, in work or ended; null while the next one is being put together. */
  generation: string | null;
}

const EMPTY: FittingDraft = { zone: null, note: "", generation: null };
const KEPT_AS = "fitting";
const draft = createStore<FittingDraft>(EMPTY);
let isOpen = false;
/** Whether the person has begun something in this page, which a picture in work must then not push aside. */
let isTouched = false;

export function useFittingDraft(): FittingDraft {
  if (!isOpen) open();
  return draft.use();
}

export function changeFitting(change: Partial<FittingDraft>): void {
  isTouched = true;
  write({ ...draft.read(), ...change });
}

/** A try-on in work that this page did not order, or of whose order it never saw the answer: it is looked at first. */
export function takeUpFitting(generation: string): void {
  if (!isTouched && draft.read().generation === null) write({ ...draft.read(), generation });
}

/** For whoever comes in after somebody else. */
export function forgetFitting(): void {
  isOpen = false;
  isTouched = false;
  draft.write(EMPTY);
}

function open(): void {
  isOpen = true;
  const kept = recall(KEPT_AS);
  if (typeof kept === "object" && kept !== null) draft.write({ ...EMPTY, ...kept });
}

function write(next: FittingDraft): void {
  draft.write(next);
  keepInTab(KEPT_AS, next);
}
