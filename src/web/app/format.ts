import { locale } from "../kit/words.ts";

/** Times as the person's own clock tells them. */
export const dayAndTime = (iso: string): string =>
  new Date(iso).toLocaleString(locale(), { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });

export const dayOf = (iso: string): string =>
  new Date(iso).toLocaleDateString(locale(), { day: "numeric", month: "long", year: "numeric" });
