import { locale } from "./words.ts";

const KOPECKS_PER_ROUBLE = 100;
/** The owner's days are Moscow's, wherever they look from. */
const TIME_ZONE = "Europe/Moscow";

export function money(kopecks: number): string {
  const isWhole = kopecks % KOPECKS_PER_ROUBLE === 0;
  return (kopecks / KOPECKS_PER_ROUBLE).toLocaleString(locale(), {
    style: "currency",
    currency: "RUB",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: isWhole ? 0 : 2,
    maximumFractionDigits: 2,
  });
}

export const number = (value: number): string => value.toLocaleString(locale(), { maximumFractionDigits: 2 });

/** `share` of one. */
export const percent = (share: number): string =>
  share.toLocaleString(locale(), { style: "percent", maximumFractionDigits: 1 });

export const seconds = (value: number): string =>
  value.toLocaleString(locale(), { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 1 });

export const moment = (iso: string): string =>
  new Date(iso).toLocaleString(locale(), { timeZone: TIME_ZONE, dateStyle: "short", timeStyle: "short" });

/** `2026-11-22`, or the first day of a month. */
export const day = (text: string): string =>
  new Date(`${text}T00:00:00Z`).toLocaleDateString(locale(), { timeZone: "UTC", day: "numeric", month: "short" });

/** `2026-11`. */
export const month = (text: string): string =>
  new Date(`${text}-01T00:00:00Z`).toLocaleDateString(locale(), { timeZone: "UTC", month: "long", year: "numeric" });

/** The month, in Moscow, that it is. */
export const thisMonth = (): string => new Date().toLocaleDateString("sv-SE", { timeZone: TIME_ZONE }).slice(0, 7);

/** Enough of an id to tell two apart; the whole one stands in the tooltip. */
export const shortId = (id: string): string => id.slice(-8);
