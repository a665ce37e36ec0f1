import { type ChatBody, OPENROUTER_BASE_PATH, OPENROUTER_PATHS } from "../providers/openrouter/wire.ts";
import { disturbTransport } from "./disturb.ts";
import type { Strike } from "./faults.ts";
import { type ChatNeeds, carryOutChat, EVENT_STREAM, type OpenRequest, refusalOf } from "./openrouter-chat.ts";
import { dollars } from "./openrouter-compose.ts";
import { type ChatError, errorOf } from "./openrouter-faults.ts";
import { modelList } from "./openrouter-models.ts";
import { imageBytesIn, readChatBody } from "./openrouter-validate.ts";
import { wishOf } from "./openrouter-wish.ts";

export interface OpenRouterCounts {
  key: number;
  credits: number;
  generation: number;
  models: number;
  /** Requests without the right key. */
  unauthorized: number;
}

export interface OpenRouterApi {
  counts: OpenRouterCounts;
  call(request: Request): Promise<Response>;
}

type ApiOptions = ChatNeeds & { apiKey: string; limitMicrodollars: number };

/** The calls of the API. Refusals come with their HTTP status, unless a switch says otherwise. */
export function createOpenRouterApi(options: ApiOptions): OpenRouterApi {
  const counts: OpenRouterCounts = { key: 0, credits: 0, generation: 0, models: 0, unauthorized: 0 };
  return {
    counts,
    async call(request) {
      const edge = options.faults.strike("openrouter.edge");
      const blocked =
        edge === undefined ? undefined : await disturbTransport(edge, request, async () => new Response(null));
      return blocked ?? route(request, options, counts);
    },
  };
}

async function route(request: Request, options: ApiOptions, counts: OpenRouterCounts): Promise<Response> {
  const { faults } = options;
  const url = new URL(request.url);
  const call = `${request.method} ${url.pathname.replace(new RegExp(`^${OPENROUTER_BASE_PATH}`), "")}`;
  if (call === `GET ${OPENROUTER_PATHS.models}`) {
    counts.models += 1;
    const strike = faults.strike("openrouter.models");
    return underStrike(strike, request, "", async () => Response.json({ data: modelList(strike?.mode) }));
  }
  const refused = keyRefusal(request, options.apiKey);
  if (refused !== undefined) {
    counts.unauthorized += 1;
    return refused;
  }
  switch (call) {
    case `POST ${OPENROUTER_PATHS.chat}`:
      return chat(request, options);
    case `GET ${OPENROUTER_PATHS.key}`: {
      counts.key += 1;
      const strike = faults.strike("openrouter.key");
      return underStrike(strike, request, "", async () => Response.json(keyAnswer(strike, options)));
    }
    case `GET ${OPENROUTER_PATHS.credits}`:
      counts.credits += 1;
      return refusalOf({ code: 403, message: "Only management keys can perform this operation" });
    case `GET ${OPENROUTER_PATHS.generation}`:
      counts.generation += 1;
      return underStrike(faults.strike("openrouter.generation"), request, "", async () =>
        generationAnswer(url.searchParams.get("id") ?? "", options),
      );
    default:
      return refusalOf({ code: 404, message: "Not Found" });
  }
}

function keyRefusal(request: Request, apiKey: string): Response | undefined {
  const given = request.headers.get("authorization");
  if (given === `Bearer ${apiKey}`) return undefined;
  return refusalOf({ code: 401, message: given === null ? "Missing Authentication header" : "User not found." });
}

async function chat(request: Request, options: ApiOptions): Promise<Response> {
  const body = readChatBody(await request.json().catch(() => undefined));
  const open = begin(request, body, options);
  // Whoever leaves in the middle of a stream may be noticed here first.
  request.signal.addEventListener("abort", open.end, { once: true });
  const strike = options.faults.strike("openrouter.chat");
  const carryOut = async (): Promise<Response> => {
    const answer = await carryOutChat(body, open, options);
    // Carried out to the end before it is lost; nobody will read the stream.
    if (strike?.mode.startsWith("executed_") === true) await answer.arrayBuffer();
    return answer;
  };
  try {
    const wish = "messages" in body ? wishOf(body.messages) : "";
    const answer = await underStrike(strike, request, wish, carryOut);
    if (strike !== undefined && strike.mode !== "delay") open.request.outcome = strike.mode;
    if (answer.headers.get("content-type") !== EVENT_STREAM || answer.body === null) open.end();
    return answer;
  } catch (error) {
    open.end();
    throw error;
  }
}

function begin(request: Request, body: ChatBody | ChatError, { account }: ApiOptions): OpenRequest {
  const requestId = request.headers.get("x-request-id");
  if (!("messages" in body)) {
    const nothing = { model: "", models: [], messages: 0, maxTokens: null, imageBytes: 0, streamed: false };
    return account.begin({ ...nothing, user: null, sessionId: null, requestId });
  }
  return account.begin({
    model: body.model ?? body.models?.[0] ?? "",
    models: body.models ?? [],
    messages: body.messages.length,
    maxTokens: body.max_tokens ?? body.max_completion_tokens ?? null,
    imageBytes: imageBytesIn(body),
    streamed: body.stream === true,
    user: body.user ?? null,
    sessionId: body.session_id ?? null,
    requestId,
  });
}

/** Lets a switch strike the call, or carries it out. */
async function underStrike(
  strike: Strike | undefined,
  request: Request,
  quote: string,
  carryOut: () => Promise<Response>,
): Promise<Response> {
  if (strike === undefined) return carryOut();
  const onTheWay = await disturbTransport(strike, request, carryOut);
  if (onTheWay !== undefined) return onTheWay;
  const error = errorOf(strike.mode, quote);
  return error === undefined ? carryOut() : refusalOf(error, error);
}

function keyAnswer(strike: Strike | undefined, { account, limitMicrodollars }: ApiOptions): unknown {
  if (strike?.mode === "unknown_shape") return { data: [] };
  const unlimited = strike?.mode === "unlimited";
  const left = strike?.mode === "used_up" ? 0 : dollars(Math.max(0, account.balance));
  const used = dollars(account.spent);
  return {
    data: {
      label: "sk-or-v1-san...box",
      limit: unlimited ? null : dollars(limitMicrodollars),
      limit_remaining: unlimited ? null : left,
      limit_reset: null,
      usage: used,
      usage_daily: used,
      usage_weekly: used,
      usage_monthly: used,
      is_free_tier: false,
      is_management_key: false,
      expires_at: null,
    },
  };
}

function generationAnswer(id: string, { account }: ApiOptions): Response {
  const found = account.generation(id);
  if (found === undefined) return refusalOf({ code: 404, message: `Generation ${id} not found` });
  const data = {
    id: found.id,
    model: found.model,
    provider_name: "Anthropic",
    created_at: found.createdAt,
    total_cost: dollars(found.costMicrodollars),
    usage: dollars(found.costMicrodollars),
    tokens_prompt: found.inputTokens,
    tokens_completion: found.outputTokens,
    native_tokens_prompt: found.inputTokens,
    native_tokens_completion: found.outputTokens,
    native_tokens_cached: 0,
    finish_reason: found.finishReason,
    native_finish_reason: found.nativeFinishReason,
    latency: found.latencyMs,
    generation_time: found.latencyMs,
    streamed: found.streamed,
    cancelled: false,
    is_byok: false,
    cache_discount: null,
    upstream_id: null,
    external_user: null,
  };
  return Response.json({ data });
}
