import { t } from "elysia";
import { closed, IdSchema, oneOf } from "../../platform/http/schemas.ts";
import { PhotoSchema } from "../photos/index.ts";
import { MESSAGE_LENGTH_MAX } from "./editing-prompt.ts";

/** A client's own name for its message. */
export const MESSAGE_ID_LENGTH_MAX = 64;

const Moment = t.String({ format: "date-time" });
const Uuid = t.String({ format: "uuid" });

export const VariantSchema = t.Object(
  {
    id: Uuid,
    title: t.String({ examples: ["Red jacket"] }),
    prompt: t.String({
      description: "What the model that makes the picture is told.",
      examples: ["Make the jacket deep red; keep its material, folds and light."],
    }),
    changes: t.Array(t.String(), {
      description: "What will be different, in short phrases.",
      examples: [["the jacket's colour"]],
    }),
  },
  { ...closed, title: "Variant" },
);

export const UsageSchema = t.Object(
  {
    input_tokens: t.Integer({ minimum: 0, examples: [640] }),
    output_tokens: t.Integer({ minimum: 0, examples: [280] }),
  },
  closed,
);

export const TurnAnswerSchema = t.Object(
  {
    session_id: Uuid,
    message: t.Object(
      { id: Uuid, content: t.String({ examples: ["Here are three ways."] }), variants: t.Array(VariantSchema) },
      closed,
    ),
    usage: UsageSchema,
    credits_spent: t.Integer({ minimum: 0, examples: [1] }),
  },
  { ...closed, title: "Turn" },
);

export const ChatBodySchema = t.Object(
  {
    session_id: t.Optional(IdSchema),
    message: t.String({ minLength: 1, maxLength: MESSAGE_LENGTH_MAX * 2 }),
    photo_id: t.Optional(IdSchema),
    generation_id: t.Optional({ ...IdSchema, description: "Instead of a photo: an earlier result that it is about." }),
    id: t.Optional(
      t.String({
        minLength: 1,
        maxLength: MESSAGE_ID_LENGTH_MAX,
        description: "The client's own name for the message, as over the socket: the same one is the same turn.",
      }),
    ),
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
  {
    ...closed,
    description: "Either `photo_id` or `generation_id`, and either `variant_id` or `prompt`.",
    examples: [
      {
        session_id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        photo_id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
        variant_id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2d",
      },
    ],
  },
);

const MessageSchema = t.Object(
  {
    id: Uuid,
    role: oneOf(["user", "assistant"]),
    content: t.String({ examples: ["Make the jacket red"] }),
    image_url: t.Nullable(t.String({ description: "A signed link that expires." }), { examples: [null] }),
    timestamp: Moment,
    variants: t.Optional(t.Array(VariantSchema)),
    error: t.Optional(
      t.String({
        description: "The turn failed with this code; nothing was charged.",
        examples: ["assistant_unavailable"],
      }),
    ),
  },
  { ...closed, title: "ChatMessage" },
);

const SessionFacts = { session_id: Uuid, created_at: Moment, updated_at: Moment };

export const SessionSchema = t.Object(
  {
    ...SessionFacts,
    photo: t.Nullable(PhotoSchema, {
      description: "The photo that it is about, or was before a result; while it is stored.",
    }),
    generation_id: t.Optional(t.String({ format: "uuid", description: "The earlier result that it is about now." })),
    messages: t.Array(MessageSchema),
  },
  closed,
);

export const SessionListSchema = t.Object(
  {
    items: t.Array(
      t.Object(
        {
          ...SessionFacts,
          message_count: t.Integer({ examples: [2] }),
          last_message: t.Nullable(t.String(), { examples: ["Make the jacket red"] }),
        },
        closed,
      ),
    ),
    next_cursor: t.Nullable(Uuid, { examples: [null] }),
  },
  closed,
);
