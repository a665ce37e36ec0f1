import { integer as sqliteInteger, text as sqliteText } from "drizzle-orm/sqlite-core";

export { check, index, primaryKey, sqliteTable as table, uniqueIndex } from "drizzle-orm/sqlite-core";

/** A UUIDv7, made by the program. */
export const id = (name: string) => sqliteText(name);
/** Text of any length. */
export const text = (name: string) => sqliteText(name);
/** A whole number up to 2^31 - 1: credits, counters, pixels. */
export const integer = (name: string) => sqliteInteger(name);
/** A whole number up to 2^53: kopecks, bytes, sequence numbers. */
export const bigInteger = (name: string) => sqliteInteger(name, { mode: "number" });
/** True or false. */
export const flag = (name: string) => sqliteInteger(name, { mode: "boolean" });
/** A moment with millisecond resolution, UTC, kept as milliseconds since 1970. */
export const moment = (name: string) => sqliteInteger(name, { mode: "timestamp_ms" });
/** A JSON document of the named shape. */
export const json = <T>(name: string) => sqliteText(name, { mode: "json" }).$type<T>();
/** One of a closed list of words, kept as text so that a new word needs no migration. */
export const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  sqliteText(name, { enum: values });
