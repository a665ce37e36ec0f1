/**
 * Moscow's calendar. The city keeps UTC+3 all year (no summer time since 2014), so its months and days are plain
 * arithmetic; free actions, tax dates and schedules follow it.
 */
const MOSCOW_OFFSET_MS = 3 * 60 * 60_000;

/** The Moscow month of a moment, as `2026-11`. */
export function moscowMonth(moment: Date): string {
  return new Date(moment.getTime() + MOSCOW_OFFSET_MS).toISOString().slice(0, 7);
}

/** The Moscow date of a moment, as `2026-11-22`. */
export function moscowDate(moment: Date): string {
  return new Date(moment.getTime() + MOSCOW_OFFSET_MS).toISOString().slice(0, 10);
}

/** The moment at which the Moscow day of `moment` began. */
export function moscowDayStart(moment: Date): Date {
  return new Date(Date.parse(`${moscowDate(moment)}T00:00:00Z`) - MOSCOW_OFFSET_MS);
}

/** The moment at which the next Moscow month begins. */
export function nextMoscowMonth(moment: Date): Date {
  const local = new Date(moment.getTime() + MOSCOW_OFFSET_MS);
  return new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 1) - MOSCOW_OFFSET_MS);
}

/**
 * The moment `months` months later at the same Moscow time: on the same day, or on the last one where the month has no such
 * day. Count from one anchor, not from step to step: 31 January, 28 February, 31 March.
 */
export function addMoscowMonths(moment: Date, months: number): Date {
  const local = new Date(moment.getTime() + MOSCOW_OFFSET_MS);
  const year = local.getUTCFullYear();
  const month = local.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Date.UTC(year, month, Math.min(local.getUTCDate(), lastDay));
  const midnight = Date.UTC(year, local.getUTCMonth(), local.getUTCDate());
  return new Date(day + (local.getTime() - midnight) - MOSCOW_OFFSET_MS);
}
