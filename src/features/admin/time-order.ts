import { and, type Column, eq, lt, or, type SQL, sql } from "drizzle-orm";

/** Where the page before ended: the row's moment and its id. */
export interface Place {
  at: Date;
  id: string;
}

/**
 * Rows behind a place in the order of `created_at` and id, the newest first. The first condition alone says where an index
 * is entered; databases do not take that from the second.
 */
export function behind(columns: { createdAt: Column; id: Column }, place: Place | null): SQL | undefined {
  if (place === null) return undefined;
  const at = sql.param(place.at, columns.createdAt);
  return and(
    sql`${columns.createdAt} <= ${at}`,
    or(sql`${columns.createdAt} < ${at}`, and(eq(columns.createdAt, place.at), lt(columns.id, place.id))),
  );
}
