import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";

/** Items on a page unless the client asks otherwise, and at most. */
export const PAGE_SIZE = 20;
export const PAGE_SIZE_MAX = 100;

export interface PageQuery {
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** What the client asks for: where the last page ended and how many come next. A made-up cursor is refused. */
export function pageOf(query: PageQuery): { before: string | null; limit: number } {
  const before = query.cursor ?? null;
  if (before !== null && !isId(before)) {
    throw new Refusal("validation_failed", { errors: [{ path: "/query/cursor", message: "is not a cursor of ours" }] });
  }
  return { before, limit: query.limit ?? PAGE_SIZE };
}

/** A page of answers; `rows` holds one more than `limit` when there is a next page. */
export function cursorPage<Row extends { id: string }>(rows: readonly Row[], limit: number) {
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
