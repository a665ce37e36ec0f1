import { type Static, Type } from "@sinclair/typebox";

/** Paths and shapes of OpenRouter's API, for the client and for the emulator. The base address ends in `/api/v1`. */
export const OPENROUTER_PATHS = {
  chat: "/chat/completions",
  key: "/key",
  credits: "/credits",
  generation: "/generation",
  models: "/models",
} as const;
export const OPENROUTER_BASE_PATH = "/api/v1";

export const GENERATION_ID_HEADER = "x-generation-id";

const TextPart = Type.Object({ type: Type.Literal("text"), text: Type.String() });
const ImagePart = Type.Object({
  type: Type.Literal("image_url"),
  image_url: Type.Object({
    /** A data URL (`data:image/jpeg;base64,...`) or a public link. */
    url: Type.String(),
    detail: Type.Optional(
      Type.Union([Type.Literal("auto"), Type.Literal("low"), Type.Literal("high"), Type.Literal("original")]),
    ),
  }),
});

export const ChatMessage = Type.Object({
  role: Type.Union([
    Type.Literal("system"),
    Type.Literal("user"),
    Type.Literal("assistant"),
    Type.Literal("developer"),
    Type.Literal("tool"),
  ]),
  /** Where there are both, the text stands before the pictures. */
  content: Type.Union([Type.String(), Type.Array(Type.Union([TextPart, ImagePart]))]),
});
export type ChatMessage = Static<typeof ChatMessage>;

/** A schema as JSON: every object lists all its properties as required and forbids others. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export const ChatBody = Type.Object({
  model: Type.Optional(Type.String()),
  /** The models to try in this order; the answer names the one that wrote it. */
  models: Type.Optional(Type.Array(Type.String())),
  messages: Type.Array(ChatMessage, { minItems: 1 }),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  max_completion_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  stream: Type.Optional(Type.Boolean()),
  /** The person, as a hash that says nothing to others. */
  user: Type.Optional(Type.String()),
  session_id: Type.Optional(Type.String()),
  response_format: Type.Optional(
    Type.Object({
      type: Type.String(),
      json_schema: Type.Optional(
        Type.Object({
          name: Type.String(),
          strict: Type.Optional(Type.Boolean()),
          schema: Type.Record(Type.String(), Type.Unknown()),
        }),
      ),
    }),
  ),
  provider: Type.Optional(
    Type.Object({
      order: Type.Optional(Type.Array(Type.String())),
      only: Type.Optional(Type.Array(Type.String())),
      ignore: Type.Optional(Type.Array(Type.String())),
      allow_fallbacks: Type.Optional(Type.Boolean()),
      require_parameters: Type.Optional(Type.Boolean()),
      data_collection: Type.Optional(Type.Union([Type.Literal("allow"), Type.Literal("deny")])),
    }),
  ),
});
export type ChatBody = Static<typeof ChatBody>;

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const Said = Type.Optional(Type.Union([Type.Object({ content: Text, refusal: Text }), Type.Null()]));

/** What is read of an answer and of a frame of a stream alike; everything that may be missing may be missing. */
export const ChatAnswer = Type.Object({
  id: Text,
  model: Text,
  choices: Type.Optional(
    Type.Array(
      Type.Object({
        index: Type.Optional(Type.Unknown()),
        finish_reason: Text,
        native_finish_reason: Text,
        /** The whole of it, in an answer. */
        message: Said,
        /** The next piece of it, in a frame. */
        delta: Said,
        error: Type.Optional(Type.Unknown()),
      }),
    ),
  ),
  usage: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
});
export type ChatAnswer = Static<typeof ChatAnswer>;

/** The body of an error, and what a stream carries as `error`; the rest is read with care. */
export const ErrorMember = Type.Object({
  code: Type.Optional(Type.Unknown()),
  message: Type.Optional(Type.Unknown()),
  metadata: Type.Optional(Type.Unknown()),
});

/** US dollars; null means that there is no such limit. */
const Dollars = Type.Union([Type.Number(), Type.Null()]);

export const KeyAnswer = Type.Object({
  data: Type.Object({
    limit: Dollars,
    limit_remaining: Dollars,
    usage: Type.Number(),
    is_free_tier: Type.Optional(Type.Boolean()),
    expires_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
});

export const ModelsAnswer = Type.Object({
  data: Type.Array(
    Type.Object({
      id: Type.String(),
      canonical_slug: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      expiration_date: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      supported_parameters: Type.Optional(Type.Array(Type.String())),
    }),
  ),
});
export type ModelEntry = Static<typeof ModelsAnswer>["data"][number];
