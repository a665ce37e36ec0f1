import { t } from "elysia";
import { closed } from "../../platform/http/schemas.ts";

/** A stored photo. */
export const PhotoSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    url: t.String({ description: "A signed link that expires.", examples: ["https://app.example.org/api/v1/files/c2ln"] }),
    width: t.Integer({ minimum: 1, description: "Pixels.", examples: [1_536] }),
    height: t.Integer({ minimum: 1, description: "Pixels.", examples: [2_048] }),
    bytes: t.Integer({ minimum: 1, examples: [412_345] }),
    expires_at: t.String({ format: "date-time" }),
  },
  { ...closed, title: "Photo" },
);
