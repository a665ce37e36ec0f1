import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from "../providers/yookassa/wire.ts";
import type { YooKassaRefusal } from "./yookassa-faults.ts";
import { invalid } from "./yookassa-validate.ts";

const BOUNDS: Readonly<Record<string, (at: number, bound: number) => boolean>> = {
  gte: (at, bound) => at >= bound,
  gt: (at, bound) => at > bound,
  lte: (at, bound) => at <= bound,
  lt: (at, bound) => at < bound,
};

/** What a list is filtered and ordered by. */
export interface Listed {
  sequence: number;
  /** By the name of the filter: `created_at`, `captured_at`. */
  moments: Readonly<Record<string, Date | undefined>>;
  /** By the name of the filter: `status`, `payment_id`, `payment_method`. */
  texts: Readonly<Record<string, string | undefined>>;
}

/** One page of `all`, newest first, or the refusal of a filter that is not right. */
export function listPage<T>(
  all: readonly T[],
  query: URLSearchParams,
  look: (item: T) => Listed,
): { items: T[]; nextCursor: string | undefined } | YooKassaRefusal {
  const limit = Number(query.get("limit") ?? LIST_LIMIT_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) return invalid("limit", "Incorrect limit");
  const before = beforeCursor(query.get("cursor"));
  if (before === undefined) return invalid("cursor", "Incorrect cursor");
  let found = all.map((item) => ({ item, about: look(item) })).filter(({ about }) => about.sequence < before);
  for (const [name, value] of query) {
    if (name === "limit" || name === "cursor") continue;
    const fits = filterOf(name, value);
    if (fits === undefined) return invalid(name, "Incorrect filter");
    found = found.filter(({ about }) => fits(about));
  }
  found.sort((a, b) => b.about.sequence - a.about.sequence);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = found.length > limit && last !== undefined ? cursorAt(last.about.sequence) : undefined;
  return { items: page.map(({ item }) => item), nextCursor };
}

function filterOf(name: string, value: string): ((about: Listed) => boolean) | undefined {
  const [, moment = "", bound = ""] = /^(created_at|captured_at)\.([a-z]+)$/.exec(name) ?? [];
  const holds = BOUNDS[bound];
  if (holds !== undefined) {
    const boundMs = Date.parse(value);
    if (Number.isNaN(boundMs)) return undefined;
    return ({ moments }) => {
      const at = moments[moment];
      return at !== undefined && holds(at.getTime(), boundMs);
    };
  }
  if (!["status", "payment_method", "payment_id"].includes(name)) return undefined;
  return ({ texts }) => texts[name] === value;
}

function cursorAt(sequence: number): string {
  return Buffer.from(`after:${sequence}`).toString("base64url");
}

/** The sequence that the page must stay below; undefined for a cursor that we did not write. */
function beforeCursor(cursor: string | null): number | undefined {
  if (cursor === null) return Number.POSITIVE_INFINITY;
  const [, sequence] = /^after:(\d+)$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  return sequence === undefined ? undefined : Number(sequence);
}
