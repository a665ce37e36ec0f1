import { t } from "elysia";
import { closed } from "../../platform/http/schemas.ts";
import { UPLOAD_BYTES_MAX } from "../../platform/images/index.ts";

/** A phone on a slow network gets its photos across in this time. */
export const UPLOAD_MS_MAX = 60_000;

/** A file as OpenAPI 3.1 says it; the length is in bytes. */
export const FileSchema = {
  type: "string",
  contentMediaType: "application/octet-stream",
  maxLength: UPLOAD_BYTES_MAX,
} as const;
export const FileEncoding = { contentType: "image/jpeg, image/png, image/webp" };

/** What every upload of photos can be refused with. */
export const UPLOAD_REFUSALS = [
  "consent_required",
  "file_too_large",
  "file_type_unsupported",
  "file_corrupt",
  "image_too_many_pixels",
  "image_too_small",
  "upload_too_slow",
  "busy",
  "storage_unavailable",
] as const;

/** A stored photo. */
export const PhotoSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    url: t.String({
      description: "A signed link that expires.",
      examples: ["https://app.example.org/api/v1/files/c2ln"],
    }),
    width: t.Integer({ minimum: 1, description: "Pixels.", examples: [1_536] }),
    height: t.Integer({ minimum: 1, description: "Pixels.", examples: [2_048] }),
    bytes: t.Integer({ minimum: 1, examples: [412_345] }),
    expires_at: t.String({ format: "date-time" }),
  },
  { ...closed, title: "Photo" },
);
