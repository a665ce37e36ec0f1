import type { ChatBody, ChatMessage, JsonSchema } from "./wire.ts";

/**
 * Which endpoints may serve us. Anthropic's own first: it takes structured outputs, where other hosts of the same model
 * have refused them. `require_parameters` turns "silently dropped" into an error. `deny` keeps people's photos and words
 * away from hosts that store or train on them.
 */
export const ROUTING = {
  order: ["anthropic"],
  require_parameters: true,
  data_collection: "deny",
} as const satisfies NonNullable<ChatBody["provider"]>;

export interface ChatOrder {
  messages: readonly ChatMessage[];
  /** `name`: at most 64 characters of `A-Za-z0-9_-`. */
  schema: { name: string; schema: JsonSchema };
  /** The ceiling of the answer. It is reserved from the account before the start, so no more than is needed. */
  maxTokens: number;
  /** A stable hash of the person; never an id that means something elsewhere. */
  endUserHash?: string;
}

/**
 * The body of one completion. Without temperature and the like: the newest models refuse them, and with
 * `require_parameters` a single one that an endpoint does not know leaves no endpoint at all. `models` repeats the first
 * one, since readers of the body differ in whether `model` counts beside it.
 */
export function chatBody(models: readonly string[], order: ChatOrder, stream: boolean): ChatBody {
  const [first] = models;
  return {
    ...(first === undefined ? {} : { model: first }),
    ...(models.length > 1 ? { models: [...models] } : {}),
    messages: [...order.messages],
    max_tokens: order.maxTokens,
    ...(stream ? { stream: true } : {}),
    ...(order.endUserHash === undefined ? {} : { user: order.endUserHash }),
    response_format: {
      type: "json_schema",
      json_schema: { name: order.schema.name, strict: true, schema: { ...order.schema.schema } },
    },
    provider: { ...ROUTING, order: [...ROUTING.order] },
  };
}
