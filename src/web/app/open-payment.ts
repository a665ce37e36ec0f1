import { answerOf, api } from "../kit/api.ts";
import { createStore } from "../kit/store.ts";
import { launchData } from "../kit/telegram.ts";

/**
 * The way to the pay page and back. The page there knows nothing of the app, so what was ordered is remembered in the tab:
 * whoever comes back, paid or not, finds it by `#/shop/return`.
 */

/** Stands for the payment that was ordered last. */
export const RETURN = "return";
/** What Telegram hands the app when somebody comes back from the pay page by a link. */
export const BACK_FROM_PAYING = "paid";

const STORED_AS = "atelier.payment";
const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];

/** Payments that the person does not want to be reminded of, and the one they ordered last. */
interface Remembered {
  last: string | null;
  forgotten: readonly string[];
}

export const remembered = createStore<Remembered>(readStored());

export function rememberPayment(id: string): void {
  write({ last: id, forgotten: remembered.read().forgotten.filter((one) => one !== id) });
}

/** It stays open at the provider until its time is over; a tap on the same product leads to it again. */
export function forgetPayment(id: string): void {
  const { last, forgotten } = remembered.read();
  write({ last: last === id ? null : last, forgotten: [...forgotten.filter((one) => one !== id), id] });
}

/** The payment that somebody who comes back has ordered; null when there is none. Throws a `CallFailure`. */
export async function lastPaymentId(): Promise<{ id: string | null }> {
  const { items } = await answerOf(api.payments.get({ query: { limit: 10 } }));
  const { last } = remembered.read();
  return { id: (items.find(({ id }) => id === last) ?? items[0])?.id ?? null };
}

/**
 * Where the pay page leads back to: in Telegram the app itself, in a browser this very tab. Nothing where the server would
 * not take the address, which is plain http from elsewhere; it then uses its own. Throws a `CallFailure`.
 */
export async function returnAddress(): Promise<{ return_url?: string }> {
  if (launchData() !== null) {
    const { app_link: link } = await answerOf(api.status.get());
    return link === null ? {} : { return_url: `${link}?startapp=${BACK_FROM_PAYING}` };
  }
  const { protocol, hostname, origin, search } = location;
  if (protocol !== "https:" && !LOOPBACK.includes(hostname)) return {};
  return { return_url: `${origin}/${search}#/shop/${RETURN}` };
}

function write(next: Remembered): void {
  remembered.write(next);
  try {
    sessionStorage.setItem(STORED_AS, JSON.stringify(next));
  } catch {
    // Storage may be forbidden; then the newest payment of the list is the one.
  }
}

function readStored(): Remembered {
  const nothing = { last: null, forgotten: [] };
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
    if (typeof value !== "object" || value === null || !("forgotten" in value) || !("last" in value)) return nothing;
    const { last, forgotten } = value;
    return {
      last: typeof last === "string" ? last : null,
      forgotten: Array.isArray(forgotten) ? forgotten.filter((one) => typeof one === "string") : [],
    };
  } catch {
    return nothing;
  }
}
