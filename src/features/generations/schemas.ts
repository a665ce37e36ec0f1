import { t } from "elysia";
import { closed, oneOf } from "../../platform/http/schemas.ts";
import { GENERATION_STATUSES } from "./states.ts";
import { GENERATION_TYPES } from "./tables.ts";

const Moment = t.String({ format: "date-time" });
const Link = t.String({ description: "A signed link that expires." });

export const GenerationStatusSchema = oneOf(GENERATION_STATUSES);
export const GenerationTypeSchema = oneOf(GENERATION_TYPES);

/** What every new order can be refused with, whatever is ordered (start.ts). */
export const ORDER_REFUSALS = [
  "too_many_active_generations",
  "generation_unavailable",
  "insufficient_credits",
  "storage_unavailable",
] as const;

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
    base_generation_id: t.Optional(
      t.String({ format: "uuid", description: "The earlier result that an edit began with." }),
    ),
    session_id: t.Optional(t.String({ format: "uuid", description: "The conversation in which an edit was ordered." })),
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
  {
    ...closed,
    title: "Generation",
    examples: [
      {
        id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        type: "fitting",
        status: "running",
        progress: 40,
        eta_seconds: 12,
        user_photo_url: "https://app.example.org/api/v1/files/dXNlcg",
        item_photo_url: "https://app.example.org/api/v1/files/aXRlbQ",
        prompt: "Put the coat over the clothes that are already worn.",
        zone: "outerwear",
        watermarked: false,
        free_action: false,
        credits_spent: 2,
        created_at: "2026-03-14T09:26:53.589Z",
      },
    ],
  },
);

export const GenerationListSchema = t.Object(
  { items: t.Array(GenerationSchema), next_cursor: t.Nullable(t.String({ format: "uuid" }), { examples: [null] }) },
  closed,
);

export const CancelAnswerSchema = t.Object(
  { status: oneOf(["cancelled", "cancel_requested", "already_finished"]) },
  closed,
);

export const SendAnswerSchema = t.Object(
  { status: t.Literal("queued", { description: "The bot sends it within seconds." }) },
  closed,
);
