import { REFUSAL_CODES, type RefusalCode, refusalText } from "../refusals.ts";
import type { RawOperation } from "./openapi-routes.ts";
import { exampleOf, hoistNamed, isObject, type JsonSchema, type NamedSchemas, plainSchema } from "./openapi-schema.ts";
import { PROBLEM_TYPE } from "./problem.ts";

/** Members that some refusals add to the problem document. */
export type ProblemMembers = Readonly<Record<string, JsonSchema>>;

/** What a refusal adds in its example. */
export type ProblemExamples = Readonly<Partial<Record<RefusalCode, JsonSchema>>>;

const MEANINGS: Readonly<Record<string, string>> = {
  "101": "The socket is open.",
  "200": "Done.",
  "201": "Created.",
  "202": "Accepted; it is being worked on.",
  "204": "Done; there is no body.",
};
const REFERENCE = "#/components/headers/";

/** Headers that the operations refer to. */
export const ANSWER_HEADERS: JsonSchema = {
  "X-Request-Id": {
    description: "The number of the request, also in the server's log; support asks for it.",
    schema: { type: "string", pattern: "^[\\w.-]{8,64}$" },
    example: "01a2044e-5070-75bb-8efe-d5c5e5d0651e",
  },
  "Retry-After": {
    description: "Seconds after which it may be tried again.",
    schema: { type: "integer", minimum: 1 },
    example: 5,
  },
  RateLimit: {
    description: "The bucket that was asked: `r` tokens are left, in `t` seconds it is full again.",
    schema: { type: "string" },
    example: '"person";r=0;t=40',
  },
  "RateLimit-Policy": {
    description: "The bucket: `q` tokens fill it in `w` seconds.",
    schema: { type: "string" },
    example: '"person";q=2000;w=40',
  },
  "Idempotency-Replayed": {
    description: "`true` where this is the first answer again and nothing was done a second time.",
    schema: { type: "string", const: "true" },
    example: "true",
  },
  "WWW-Authenticate": {
    description: "How to sign in.",
    schema: { type: "string", const: "Bearer" },
    example: "Bearer",
  },
};

/** The problem document (RFC 9457) of every refusal. */
export function problemSchema(members: ProblemMembers): JsonSchema {
  const text = (description: string) => ({ type: "string", description });
  return {
    title: "Problem",
    type: "object",
    description: "Why a request was refused (RFC 9457). Refusals may carry more members than are listed.",
    required: ["type", "title", "status", "detail", "code", "request_id"],
    properties: {
      type: text("`urn:atelier:problem:` and the code."),
      title: text("The kind of problem, in English."),
      status: { type: "integer", minimum: 400, maximum: 599, description: "The HTTP status." },
      detail: text("What to tell the person, in their language."),
      code: { type: "string", enum: [...REFUSAL_CODES], description: "Stable; what clients decide by." },
      request_id: text("The number of the request; support asks for it."),
      ...members,
    },
  };
}

/** An example of each refusal that occurs. */
export function problemExamples(codes: Iterable<RefusalCode>, details: ProblemExamples): JsonSchema {
  const used = new Set(codes);
  const examples: JsonSchema = {};
  for (const code of REFUSAL_CODES.filter((one) => used.has(one))) {
    const { title, status, en } = refusalText(code);
    const value = {
      type: `urn:atelier:problem:${code}`,
      title,
      status,
      detail: en,
      code,
      request_id: EXAMPLE_REQUEST_ID,
      ...details[code],
    };
    examples[code] = { summary: title, value };
  }
  return examples;
}

const EXAMPLE_REQUEST_ID = "01a2044e-5070-75bb-8efe-d5c5e5d0651e";

/** Everything that this operation can refuse with: said by the route and its guard, or following from what it takes. */
export function refusalsOf(raw: RawOperation): RefusalCode[] {
  const codes = new Set<RefusalCode>([...raw.refusals, "internal_error"]);
  const parameters = Array.isArray(raw.operation.parameters) ? (raw.operation.parameters as JsonSchema[]) : [];
  // The plugin lists parameters, none perhaps, wherever anything is validated: no surplus one passes either.
  if (raw.operation.parameters !== undefined) codes.add("validation_failed");
  if (parameters.some(isIdempotencyKey)) {
    codes.add("idempotency_key_reused");
    codes.add("request_in_progress");
  }
  // A plain GET of a socket's address finds nothing.
  if (raw.isSocket) codes.add("not_found");
  const body = isObject(raw.operation.requestBody) ? raw.operation.requestBody.content : undefined;
  if (isObject(body)) {
    for (const code of ["malformed_body", "media_type_unsupported", "validation_failed"] as const) codes.add(code);
    if ("application/json" in body) codes.add("body_too_large");
  }
  return REFUSAL_CODES.filter((code) => codes.has(code));
}

/** Whether the parameter is the header that makes a request safe to repeat. */
export function isIdempotencyKey(parameter: JsonSchema): boolean {
  return parameter.in === "header" && String(parameter.name).toLowerCase() === "idempotency-key";
}

/**
 * The operation's answers by status: what it gives and everything it refuses with. Many operations refuse alike, so
 * those answers go to `shared` under the names of their codes.
 */
export function responsesOf(
  raw: RawOperation,
  refusals: readonly RefusalCode[],
  components: NamedSchemas,
  shared: JsonSchema,
): JsonSchema {
  const own = isObject(raw.operation.responses) ? raw.operation.responses : {};
  const isIdempotent = refusals.includes("idempotency_key_reused");
  const responses: JsonSchema = {};
  if (raw.isSocket) responses["101"] = { description: MEANINGS["101"] };
  for (const [status, response] of Object.entries(own)) {
    if (isObject(response)) responses[status] = { ...response, headers: headersOf(response.headers) };
  }
  for (const [status, schema] of Object.entries(raw.answers)) {
    const headers = headersOf(isIdempotent && { "Idempotency-Replayed": header("Idempotency-Replayed") });
    responses[status] = { description: MEANINGS[status] ?? "The answer.", headers, ...jsonContent(schema, components) };
  }
  for (const [status, codes] of Map.groupBy(refusals, (code) => String(refusalText(code).status))) {
    const refusal = refusalResponse(status, codes);
    const ours = responses[status];
    if (isObject(ours)) {
      // The status is an answer of the route's own as well; the content type tells the two apart.
      responses[status] = { ...ours, content: { ...(isObject(ours.content) ? ours.content : {}), ...refusal.content } };
    } else {
      const name = codes.join(".");
      shared[name] = refusal;
      responses[status] = { $ref: `#/components/responses/${name}` };
    }
  }
  return responses;
}

function refusalResponse(status: string, codes: readonly RefusalCode[]): JsonSchema & { content: JsonSchema } {
  const retry = status === "429" || status === "503" || codes.includes("request_in_progress");
  return {
    description: codes.map((code) => `\`${code}\`: ${refusalText(code).en}`).join("\n\n"),
    headers: headersOf({
      ...(retry ? { "Retry-After": header("Retry-After") } : {}),
      ...(codes.includes("rate_limited")
        ? { RateLimit: header("RateLimit"), "RateLimit-Policy": header("RateLimit-Policy") }
        : {}),
      ...(status === "401" ? { "WWW-Authenticate": header("WWW-Authenticate") } : {}),
    }),
    content: {
      [PROBLEM_TYPE]: {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            { type: "object", properties: { code: { type: "string", enum: codes } } },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

/** The content of a JSON body, with an example. */
export function jsonContent(schema: JsonSchema | null, components: NamedSchemas): JsonSchema {
  if (schema === null) return {};
  const described = hoistNamed(plainSchema(schema), components);
  return { content: { "application/json": { schema: described, example: exampleOf(described, components) } } };
}

function headersOf(more: unknown): JsonSchema {
  return { "X-Request-Id": header("X-Request-Id"), ...(isObject(more) ? more : {}) };
}

function header(name: string): JsonSchema {
  return { $ref: REFERENCE + name };
}
