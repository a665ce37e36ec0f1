import { Elysia } from "elysia";
import type { Context } from "../../context.ts";
import { HOUR_MS, SECOND_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { NoQuerySchema, refuses } from "../../platform/http/schemas.ts";
import { takeShared } from "../../platform/limits/shared-bucket.ts";
import type { guard } from "../auth/guard.ts";
import { erasePerson } from "./erase-person.ts";
import { exportPerson } from "./export-person.ts";
import { EraseBodySchema, ErasureReceiptSchema } from "./schemas.ts";

const EXPORTS_PER_HOUR = 3;
/** An export reads everything that a person has, so it has a small bucket of its own, over all processes. */
const EXPORT_BUCKET = {
  name: "export",
  capacity: EXPORTS_PER_HOUR,
  refillPerSecond: (EXPORTS_PER_HOUR * SECOND_MS) / HOUR_MS,
};

/** What people may ask of their data: all of it, or its end. */
export function privacyRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ prefix: "/profile", tags: ["profile"] })
    .use(guarded)
    .get(
      "/export",
      async ({ person, ctx, set }) => {
        await takeExport(ctx, person.id);
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

async function takeExport(ctx: Context, userId: string): Promise<void> {
  if (ctx.settings.RATE_LIMITS === "off") return;
  const verdict = await takeShared(ctx, EXPORT_BUCKET, userId);
  if (!verdict.allowed) throw new Refusal("rate_limited", { retry_after: verdict.retryAfterSeconds });
}
