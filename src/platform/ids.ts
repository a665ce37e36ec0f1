import { randomBytes } from "node:crypto";

/** A new id: UUIDv7 (RFC 9562), so that ids made later sort later and indexes grow at one end. */
export function newId(): string {
  return Bun.randomUUIDv7();
}

/** `bytes` random bytes as base64url text, for names and secrets that nobody may guess. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `text` can be the id of a row; asked before the database is, since Postgres throws on a malformed uuid. */
export function isId(text: string): boolean {
  return UUID.test(text);
}
