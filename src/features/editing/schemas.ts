import { t } from "elysia";
import { closed, IdSchema, oneOf } from "../../platform/http/schemas.ts";
import { MESSAGE_LENGTH_MAX } from "./editing-prompt.ts";

const Moment = t.String({ format: "date-time" });
const Uuid = t.String({ format: "uuid" });

export const VariantSchema = t.Object(
  {
    id: Uuid,
    title: t.String(),
    prompt: t.String({ description: "What the model that makes the picture is told." }),
    changes: t.Array(t.String(), { description: "What will be different, in short phrases." }),
  },
  closed,
);

export const UsageSchema = t.Object(
  { input_tokens: t.Integer({ minimum: 0 }), output_tokens: t.Integer({ minimum: 0 }) },
  closed,
);

export const TurnAnswerSchema = t.Object(
  {
    session_id: Uuid,
    message: t.Object({ id: Uuid, content: t.String(), variants: t.Array(VariantSchema) }, closed),
    usage: UsageSchema,
    credits_spent: t.Integer({ minimum: 0 }),
  },
  closed,
);

export const ChatBodySchema = t.Object(
  {
    session_id: t.Optional(IdSchema),
    message: t.String({ minLength: 1, maxLength: MESSAGE_LENGTH_MAX * 2 }),
    photo_id: t.Optional(IdSchema),
  },
  { ...closed, examples: [{ message: "Сделай куртку красной" }] },
);

export const EditBodySchema = t.Object(
  {
    session_id: t.Optional(IdSchema),
    photo_id: t.Optional(IdSchema),
    generation_id: t.Optional(IdSchema),
    variant_id: t.Optional(IdSchema),
    prompt: t.Optional(t.String({ minLength: 1, maxLength: MESSAGE_LENGTH_MAX * 2 })),
  },
  { ...closed, description: "Either `photo_id` or `generation_id`, and either `variant_id` or `prompt`." },
);

const MessageSchema = t.Object(
  {
    id: Uuid,
    role: oneOf(["user", "assistant"]),
    content: t.String(),
    image_url: t.Nullable(t.String({ description: "A signed link that expires." })),
    timestamp: Moment,
    variants: t.Optional(t.Array(VariantSchema)),
    error: t.Optional(t.String({ description: "The turn failed with this code; nothing was charged." })),
  },
  closed,
);

const SessionFacts = { session_id: Uuid, created_at: Moment, updated_at: Moment };

export const SessionSchema = t.Object({ ...SessionFacts, messages: t.Array(MessageSchema) }, closed);

export const SessionListSchema = t.Object(
  {
    items: t.Array(
      t.Object({ ...SessionFacts, message_count: t.Integer(), last_message: t.Nullable(t.String()) }, closed),
    ),
    next_cursor: t.Nullable(Uuid),
  },
  closed,
);
