import { Elysia, t } from "elysia";
import { closed, oneOf, refuses } from "../../platform/http/schemas.ts";
import type { guard } from "../auth/guard.ts";
import { openLink } from "./photos.ts";

/** Pictures by signed link. The link is the permission: it names one file, its owner, its purpose and its end. */
export function fileRoutes(guarded: ReturnType<typeof guard>) {
  return new Elysia({ tags: ["files"] }).use(guarded).get(
    "/files/:token",
    async ({ params, query, ctx, set }) => {
      const { file, content, elsewhere, disposition } = await openLink(ctx, params.token, query.download === "1");
      const headers = {
        // Telegram's web client saves a file through fetch from its own origin; the link itself is the secret.
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
        "x-request-id": String(set.headers["x-request-id"]),
      };
      if (elsewhere !== null) {
        // The address dies within a minute, and whoever follows it must not tell where it came from.
        const further = { location: elsewhere, "cache-control": "private, no-store", "referrer-policy": "no-referrer" };
        return new Response(null, { status: 302, headers: { ...headers, ...further } });
      }
      return new Response(content.stream(), {
        headers: {
          ...headers,
          "content-type": file.mime,
          "content-length": String(content.bytes),
          "content-disposition": disposition,
          "cache-control": "private, max-age=300",
          "content-security-policy": "default-src 'none'; sandbox",
          "cross-origin-resource-policy": "cross-origin",
        },
      });
    },
    {
      anyone: "read",
      params: t.Object({ token: t.String({ minLength: 1, maxLength: 512 }) }),
      query: t.Object(
        { download: t.Optional(oneOf(["0", "1"], { description: "`1` sets the attachment header." })) },
        closed,
      ),
      detail: {
        summary: "A picture by its signed link",
        description: "The link is the permission: it names one file, its owner, its purpose and its end.",
        responses: {
          200: {
            description: "The picture.",
            headers: {
              "Content-Disposition": {
                description: "`inline`, or `attachment` with the file's name.",
                schema: { type: "string" },
                example: 'inline; filename="atelier-0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b.jpg"',
              },
            },
            content: { "image/jpeg": {} },
          },
          302: {
            description:
              "Where `S3_LINKS=presigned`: the picture is at `Location`, an address that dies within a minute.",
          },
        },
        ...refuses("not_found", "storage_unavailable"),
      },
    },
  );
}
