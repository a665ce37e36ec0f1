import { createStore } from "../kit/store.ts";

const SHOWN_MS = 4_000;

const shown = createStore<{ text: string; tone: "quiet" | "bad" } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says something in passing; it goes by itself. What has to be read or done is a `Notice`. */
export function toast(text: string, tone: "quiet" | "bad" = "quiet"): void {
  clearTimeout(timer);
  shown.write({ text, tone });
  timer = setTimeout(() => shown.write(null), SHOWN_MS);
}

/** Where toasts appear; once, in the shell. */
export function Toasts() {
  const now = shown.use();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {now && <p class={`toast toast-${now.tone}`}>{now.text}</p>}
    </div>
  );
}
