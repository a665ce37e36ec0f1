import { t } from "elysia";
import { GENERATION_STATUSES } from "./states.ts";
import { GENERATION_TYPES } from "./tables.ts";

const closed = { additionalProperties: false };
const Moment = t.String({ format: "date-time" });
const Link = t.String({ description: "A signed link that expires." });

export const GenerationStatusSchema = t.UnionEnum(GENERATION_STATUSES);
export const GenerationTypeSchema = t.UnionEnum(GENERATION_TYPES);

export const GenerationSchema = t.Object(
  {
    id: t.String({ format: "uuid" }),
    type: GenerationTypeSchema,
    status: GenerationStatusSchema,
    progress: t.Integer({ minimum: 0, maximum: 100, description: "Never falls." }),
    queue_position: t.Optional(t.Integer({ minimum: 1 })),
    eta_seconds: t.Optional(t.Integer({ minimum: 0, description: "An estimate from recent pictures, in seconds." })),
    user_photo_url: t.Optional(Link),
    item_photo_url: t.Optional(Link),
    prompt: t.String(),
    zone: t.Optional(t.String()),
    image_url: t.Optional(Link),
    preview_url: t.Optional(Link),
    watermarked: t.Boolean(),
    free_action: t.Boolean({ description: "A free action paid for it, or would have." }),
    credits_spent: t.Integer({ minimum: 0, description: "Held while in work, 0 when it did not succeed." }),
    tokens_used: t.Optional(t.Integer({ minimum: 0 })),
    error: t.Optional(t.Object({ code: t.String(), detail: t.String(), charged: t.Literal(false) }, closed)),
    created_at: Moment,
    finished_at: t.Optional(Moment),
  },
  closed,
);

export const GenerationListSchema = t.Object(
  { items: t.Array(GenerationSchema), next_cursor: t.Nullable(t.String({ format: "uuid" })) },
  closed,
);

export const CancelAnswerSchema = t.Object(
  { status: t.UnionEnum(["cancelled", "cancel_requested", "already_finished"]) },
  closed,
);
