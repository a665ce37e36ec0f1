import { t } from "elysia";

/** A stored photo. */
export const PhotoSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    url: t.String({ description: "A signed link that expires." }),
    width: t.Integer({ minimum: 1, description: "Pixels." }),
    height: t.Integer({ minimum: 1, description: "Pixels." }),
    bytes: t.Integer({ minimum: 1 }),
    expires_at: t.String({ format: "date-time" }),
  },
  { additionalProperties: false },
);
