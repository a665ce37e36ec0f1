import {
  bigint,
  boolean,
  customType,
  integer as pgInteger,
  text as pgText,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";

export { check, index, pgTable as table, primaryKey, uniqueIndex } from "drizzle-orm/pg-core";

/** A UUIDv7, made by the program. */
export const id = (name: string) => uuid(name);
/** Text of any length. */
export const text = (name: string) => pgText(name);
/** A whole number up to 2^31 - 1: credits, counters, pixels. */
export const integer = (name: string) => pgInteger(name);
/** A whole number up to 2^53: kopecks, bytes, sequence numbers. */
export const bigInteger = (name: string) => bigint(name, { mode: "number" });
/** True or false. */
export const flag = (name: string) => boolean(name);
/** A moment with millisecond resolution, UTC. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });
/**
 * A JSON document of the named shape. Not drizzle's own `jsonb`, which parses a second time what the driver has parsed
 * already, so that the text "123" comes back as a number.
 */
export const json = <T>(name: string) =>
  customType<{ data: T; driverData: unknown }>({
    dataType: () => "jsonb",
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (value) => value as T,
  })(name);
/** One of a closed list of words, kept as text so that a new word needs no migration. */
export const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  pgText(name, { enum: values });
