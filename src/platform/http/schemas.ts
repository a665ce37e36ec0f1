import type { SchemaOptions } from "@sinclair/typebox";
import { type DocumentDecoration, t } from "elysia";
import type { RefusalCode } from "../refusals.ts";
import { IDEMPOTENCY_KEY_PATTERN } from "./idempotency.ts";
import { PAGE_SIZE, PAGE_SIZE_MAX } from "./page.ts";

/** Refuses unknown members. */
export const closed = { additionalProperties: false } as const;

/**
 * One of these words. Elysia's own `t.UnionEnum` carries the first word as `default`, and so fills it in wherever a
 * client leaves an optional member out: a list without a filter would then be filtered.
 */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words, options: SchemaOptions = {}) {
  const schema = t.UnionEnum(words, options);
  delete schema.default;
  return schema;
}

/** For a route that takes no query: what is given there all the same is refused, since it means something to somebody. */
export const NoQuerySchema = t.Object({}, closed);

/** For a route's `detail`: what it refuses with beyond that which its guard, body and parameters say by themselves. */
export function refuses(...codes: RefusalCode[]): DocumentDecoration & { "x-refusals": RefusalCode[] } {
  return { "x-refusals": codes };
}

export const PageQuerySchema = {
  cursor: t.Optional(t.String({ maxLength: 64, description: "`next_cursor` of the page before." })),
  limit: t.Optional(t.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE })),
};

export const IdSchema = t.String({
  minLength: 1,
  maxLength: 64,
  description: "A UUIDv7.",
  examples: ["0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"],
});

/** For routes that cost or move something. Other headers pass. */
export const IdempotencyHeaders = t.Object({
  "idempotency-key": t.Optional(
    t.String({
      pattern: IDEMPOTENCY_KEY_PATTERN,
      description: "The same key and body give the first answer again, for 24 hours.",
      examples: ["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    }),
  ),
});
