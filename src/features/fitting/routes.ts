import { Elysia, t } from "elysia";
import { withUpload } from "../../platform/http/multipart.ts";
import { closed, IdempotencyHeaders, IdSchema, NoQuerySchema, oneOf, refuses } from "../../platform/http/schemas.ts";
import { UPLOAD_BYTES_MAX } from "../../platform/images/index.ts";
import type { guard } from "../auth/guard.ts";
import { GenerationSchema, ORDER_REFUSALS, orderOnce } from "../generations/index.ts";
import { type PhotoView, photoView, storePhotos } from "../photos/index.ts";
import { FileEncoding, FileSchema, PhotoSchema, UPLOAD_MS_MAX, UPLOAD_REFUSALS } from "../photos/schemas.ts";
import type { UploadGate } from "../photos/upload-gate.ts";
import { NOTE_LENGTH_MAX } from "./fitting-prompt.ts";
import { startFitting } from "./start-fitting.ts";
import { ZONES } from "./zones.ts";

const EXAMPLE_ID = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b";
const PARTS = ["user_photo", "item_photo"] as const;
/** Try-on: photos, zones, orders. */
export function fittingRoutes(guarded: ReturnType<typeof guard>, uploads: UploadGate) {
  return new Elysia({ prefix: "/fitting", tags: ["fitting"] })
    .use(guarded)
    .post(
      "/upload",
      async ({ request, person, ctx }) =>
        uploads.pass(person.id, request, async () => {
          ctx.images.expectPicture();
          const rules = { fields: PARTS, bytesMax: UPLOAD_BYTES_MAX, deadlineMs: UPLOAD_MS_MAX, requireOneOf: true };
          const stored = await withUpload(request, rules, (parts) => {
            const given = PARTS.flatMap((field) => {
              const part = parts.get(field);
              return part ? [{ field, purpose: field, ...part }] : [];
            });
            return storePhotos(ctx, person.id, given);
          });
          const answer: Partial<Record<string, PhotoView>> = {};
          for (const file of stored) answer[file.purpose] = photoView(ctx, file);
          return answer;
        }),
      {
        signedIn: "upload",
        query: NoQuerySchema,
        parse: "none",
        response: {
          200: t.Object({ user_photo: t.Optional(PhotoSchema), item_photo: t.Optional(PhotoSchema) }, closed),
        },
        detail: {
          summary: "Upload the photo of the person, of the item, or both",
          description:
            "JPEG, PNG or WebP, at most 5 MB and 40 megapixels each. Turned upright, stripped of all metadata, encoded anew and deleted after 24 hours.",
          requestBody: {
            required: true,
            content: {
              "multipart/form-data": {
                schema: {
                  type: "object",
                  minProperties: 1,
                  additionalProperties: false,
                  properties: { user_photo: FileSchema, item_photo: FileSchema },
                },
                encoding: { user_photo: FileEncoding, item_photo: FileEncoding },
              },
            },
          },
          ...refuses(...UPLOAD_REFUSALS),
        },
      },
    )
    .get("/zones", ({ person }) => ZONES.map(({ id, kind, title }) => ({ id, kind, title: title[person.language] })), {
      signedIn: "read",
      query: NoQuerySchema,
      response: {
        200: t.Array(
          t.Object(
            {
              id: t.String({ examples: ["outerwear"] }),
              kind: oneOf(["clothing", "accessory"]),
              title: t.String({ description: "In the person's language.", examples: ["Outerwear"] }),
            },
            { ...closed, title: "Zone" },
          ),
        ),
      },
      detail: { summary: "Where something can be put on" },
    })
    .post(
      "/generate",
      async ({ body, headers, person, ctx, status, set }) => {
        const request = { person, headers, route: "POST /fitting/generate", body, answerHeaders: set.headers };
        const answer = await orderOnce(ctx, request, (tx) =>
          startFitting(tx, {
            userId: person.id,
            userPhotoId: body.user_photo_id,
            itemPhotoId: body.item_photo_id,
            zone: body.zone,
            note: body.note,
          }),
        );
        return status(202, answer);
      },
      {
        signedIn: "generate",
        query: NoQuerySchema,
        headers: IdempotencyHeaders,
        body: t.Object(
          {
            user_photo_id: IdSchema,
            item_photo_id: IdSchema,
            zone: t.String({ maxLength: 32, description: "An id of `GET /fitting/zones`." }),
            note: t.Optional(
              t.String({ maxLength: NOTE_LENGTH_MAX, description: "A wish about how the item is worn." }),
            ),
          },
          { ...closed, examples: [{ user_photo_id: EXAMPLE_ID, item_photo_id: EXAMPLE_ID, zone: "outerwear" }] },
        ),
        response: { 202: GenerationSchema },
        detail: {
          summary: "Order a try-on",
          description: "Costs 2 credits, or one free action. Nothing is charged unless it succeeds.",
          ...refuses("not_found", "photo_expired", "prompt_refused", ...ORDER_REFUSALS),
        },
      },
    );
}
