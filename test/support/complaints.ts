import { expect } from "bun:test";

/** What a browser says of a page without a network, beside what it says of each request. */
export const NO_NETWORK = /ERR_INTERNET_DISCONNECTED|WebSocket/;

/** Nothing but this was complained of so far; it is forgotten then. */
export function expectOnly(complaints: string[], ...kinds: readonly RegExp[]): void {
  expect(complaints.splice(0).filter((line) => !kinds.some((kind) => kind.test(line)))).toEqual([]);
}
