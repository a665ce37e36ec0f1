import type { TokenStore, Tokens } from "../../client.ts";
import { createStore } from "./store.ts";

const STORED_AS = "atelier.session";

/** Whether there is a session; the page goes back to its sign-in when it ends. */
export const signedIn = createStore(readStored() !== null);

let inMemory: Tokens | null = readStored();

/**
 * Tokens live as long as the tab: in memory and in the tab's own storage, which survives a reload and no more. They never
 * stand in an address, a cookie or a storage that other tabs see.
 */
export const tokens: TokenStore = {
  read: () => inMemory,
  write(value) {
    inMemory = value && { access_token: value.access_token, refresh_token: value.refresh_token };
    try {
      if (inMemory) sessionStorage.setItem(STORED_AS, JSON.stringify(inMemory));
      else sessionStorage.removeItem(STORED_AS);
    } catch {
      // Storage may be forbidden; then a reload asks for a new sign-in.
    }
    signedIn.write(inMemory !== null);
  },
};

function readStored(): Tokens | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
    const isPair = typeof value === "object" && value !== null && "access_token" in value && "refresh_token" in value;
    return isPair ? (value as Tokens) : null;
  } catch {
    return null;
  }
}
