import { Elysia } from "elysia";
import { HOUR_MS, SECOND_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import type { RateLimiter } from "../../platform/http/rate-limit.ts";
import { NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { erasePerson } from "./erase-person.ts";
import { exportPerson } from "./export-person.ts";
import { EraseBodySchema, ErasureReceiptSchema } from "./schemas.ts";

const EXPORTS_PER_HOUR = 3;
/** An export reads everything that a person has, so it has a small bucket of its own. */
const EXPORT_BUCKET = {
  capacity: EXPORTS_PER_HOUR,
  refillPerSecond: (EXPORTS_PER_HOUR * SECOND_MS) / HOUR_MS,
  cost: 1,
};

/** What people may ask of their data: all of it, or its end. */
export function privacyRoutes(guarded: ReturnType<typeof guard>, limiter: RateLimiter) {
  return new Elysia({ prefix: "/profile", tags: ["profile"] })
    .use(guarded)
    .get(
      "/export",
      ({ person, ctx, set }) => {
        if (ctx.settings.RATE_LIMITS === "on") takeExport(limiter, person.id);
        return new Response(exportPerson(ctx, person.id), {
          headers: {
            "content-type": "application/zip",
            "content-disposition": 'attachment; filename="atelier-export.zip"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-request-id": String(set.headers["x-request-id"]),
          },
        });
      },
      {
        signedIn: "generate",
        query: NoQuerySchema,
        detail: {
          summary: "Everything that is stored about me, as a zip",
          description: `\`data/<table>.json\` for each table, \`files/<id>.jpg\` for each picture that I may see, and \`contents.json\` with the counts. At most ${EXPORTS_PER_HOUR} an hour.`,
          responses: {
            200: {
              description: "The zip, streamed.",
              headers: {
                "Content-Disposition": {
                  description: "`attachment`, with the file's name.",
                  schema: { type: "string" },
                  example: 'attachment; filename="atelier-export.zip"',
                },
              },
              content: { "application/zip": {} },
            },
          },
          ...refuses("rate_limited"),
        },
      },
    )
    .delete("/", ({ person, ctx }) => erasePerson(ctx, { userId: person.id, askedBy: "person" }), {
      signedIn: "generate",
      query: NoQuerySchema,
      body: EraseBodySchema,
      response: { 200: ErasureReceiptSchema },
      detail: {
        summary: "Erase me",
        description:
          "At once and for good: every session ends, what is in work is cancelled, conversations, names, words and pictures go. Credits that are left and a running subscription are lost. Payments stay for the tax office, without a name. The answer is a receipt that leads to nobody.",
      },
    });
}

function takeExport(limiter: RateLimiter, userId: string): void {
  const verdict = limiter.take(`export:${userId}`, EXPORT_BUCKET);
  if (!verdict.allowed) throw new Refusal("rate_limited", { retry_after: verdict.retryAfterSeconds });
}
