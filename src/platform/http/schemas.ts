import { t } from "elysia";
import { IDEMPOTENCY_KEY_PATTERN } from "./idempotency.ts";
import { PAGE_SIZE, PAGE_SIZE_MAX } from "./page.ts";

/** Refuses unknown members. */
export const closed = { additionalProperties: false } as const;

export const PageQuerySchema = {
  cursor: t.Optional(t.String({ maxLength: 64, description: "`next_cursor` of the page before." })),
  limit: t.Optional(t.Integer({ minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE })),
};

export const IdSchema = t.String({ minLength: 1, maxLength: 64, description: "A UUIDv7." });

/** For routes that cost or move something. Other headers pass. */
export const IdempotencyHeaders = t.Object({
  "idempotency-key": t.Optional(
    t.String({
      pattern: IDEMPOTENCY_KEY_PATTERN,
      description: "The same key and body give the first answer again, for 24 hours.",
    }),
  ),
});
