import * as postgres from "./columns.postgres.ts";
import * as sqlite from "./columns.sqlite.ts";
import { dialect } from "./dialect.ts";

/**
 * The column helpers of the chosen dialect. Typed as Postgres's: both yield the same TypeScript values, which
 * `test/database/columns.test.ts` holds them to, so that each feature writes its tables and queries once.
 */
const chosen = (dialect === "postgres" ? postgres : sqlite) as typeof postgres;

export const { table, id, text, integer, bigInteger, flag, moment, json, oneOf } = chosen;
export const { index, uniqueIndex, primaryKey, check } = chosen;
