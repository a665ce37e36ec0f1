import { generateOperationId } from "@elysiajs/swagger/utils";
import type { RefusalCode } from "../refusals.ts";
import {
  ANSWER_HEADERS,
  isIdempotencyKey,
  jsonContent,
  type ProblemExamples,
  type ProblemMembers,
  problemExamples,
  problemSchema,
  refusalsOf,
  responsesOf,
} from "./openapi-answers.ts";
import { type RawOperation, type RouterRoute, readRoutes } from "./openapi-routes.ts";
import { hoistNamed, isObject, type JsonSchema, type NamedSchemas, plainSchema } from "./openapi-schema.ts";

/** What the routes cannot say about the API as a whole. */
export interface ApiDescription {
  info: JsonSchema & { title: string; version: string; description: string };
  servers: readonly JsonSchema[];
  /** In the order in which readers see them. */
  tags: ReadonlyArray<{ name: string; description: string }>;
  securitySchemes: Readonly<Record<string, JsonSchema>>;
  /** Left out of operation ids, such as `/api/v1`. */
  prefix: string;
  problemMembers: ProblemMembers;
  problemExamples: ProblemExamples;
}

export interface OpenApiDocument {
  openapi: "3.1.1";
  info: ApiDescription["info"];
  servers: readonly JsonSchema[];
  tags: ApiDescription["tags"];
  paths: Record<string, Record<string, JsonSchema>>;
  components: {
    securitySchemes: JsonSchema;
    schemas: NamedSchemas;
    responses: JsonSchema;
    headers: JsonSchema;
    examples: JsonSchema;
  };
}

/**
 * Describes the app's routes as OpenAPI 3.1, whose schemas are JSON Schema as TypeBox's are:
 *
 *   @elysiajs/swagger reads each route    -> openapi-routes.ts
 *   schemas in the standard's words       -> openapi-schema.ts
 *   answers, refusals, headers, examples  -> openapi-answers.ts
 */
export function describeRoutes(routes: readonly RouterRoute[], description: ApiDescription): OpenApiDocument {
  return completeOpenApi(readRoutes(routes), description);
}

/** Makes a valid and complete document of what the routes say. Pure: the same routes give the same text. */
export function completeOpenApi(raw: readonly RawOperation[], description: ApiDescription): OpenApiDocument {
  const schemas: NamedSchemas = {};
  const responses: JsonSchema = {};
  hoistNamed(plainSchema(problemSchema(description.problemMembers)), schemas);
  const paths: OpenApiDocument["paths"] = {};
  const used = new Set<RefusalCode>();
  for (const one of raw) {
    const refusals = refusalsOf(one);
    for (const code of refusals) used.add(code);
    paths[one.path] = {
      ...paths[one.path],
      [one.method]: completeOperation(one, refusals, { schemas, responses }, description),
    };
  }
  return {
    openapi: "3.1.1",
    info: description.info,
    servers: description.servers,
    tags: description.tags,
    paths,
    components: {
      securitySchemes: description.securitySchemes,
      schemas: sorted(schemas),
      responses: sorted(responses),
      headers: ANSWER_HEADERS,
      examples: problemExamples(used, description.problemExamples),
    },
  };
}

function completeOperation(
  raw: RawOperation,
  refusals: readonly RefusalCode[],
  shared: { schemas: NamedSchemas; responses: JsonSchema },
  description: ApiDescription,
): JsonSchema {
  const { tags, summary, security, ...said } = raw.operation;
  const parameters = parametersOf(raw, description);
  const requestBody = bodyOf(raw, shared.schemas);
  return {
    operationId: raw.operationId ?? operationIdOf(raw, description.prefix),
    tags,
    summary,
    ...(said.description === undefined ? {} : { description: said.description }),
    security: security ?? [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: responsesOf(raw, refusals, shared.schemas, shared.responses),
  };
}

function sorted<T>(members: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function operationIdOf(raw: RawOperation, prefix: string): string {
  const path = raw.path.startsWith(prefix) ? raw.path.slice(prefix.length) : raw.path;
  // Nothing but letters and digits, so that generated clients can use it as a name.
  return generateOperationId(raw.isSocket ? "socket" : raw.method, path).replace(/[^A-Za-z0-9]/g, "");
}

function parametersOf(raw: RawOperation, description: ApiDescription): JsonSchema[] {
  const parameters = Array.isArray(raw.operation.parameters) ? (raw.operation.parameters as JsonSchema[]) : [];
  return parameters
    .filter((parameter) => !isCredential(parameter, raw, description))
    .map((parameter) => {
      const { schema, description: text, examples, ...rest } = parameter;
      const plain = plainSchema(isObject(schema) ? schema : {});
      const example = Array.isArray(examples) ? examples[0] : undefined;
      return {
        name: isIdempotencyKey(parameter) ? "Idempotency-Key" : rest.name,
        in: rest.in,
        required: rest.required,
        ...(text === undefined ? {} : { description: text }),
        schema: plain,
        ...(example === undefined ? {} : { example }),
      };
    });
}

/** A key that a security scheme of the operation describes is not described a second time. */
function isCredential(parameter: JsonSchema, raw: RawOperation, description: ApiDescription): boolean {
  const wanted = Array.isArray(raw.operation.security) ? (raw.operation.security as JsonSchema[]) : [];
  const schemes = wanted.flatMap((one) => Object.keys(one)).map((name) => description.securitySchemes[name]);
  return schemes.some((scheme) => scheme?.in === parameter.in && scheme?.name === parameter.name);
}

function bodyOf(raw: RawOperation, schemas: NamedSchemas): JsonSchema | undefined {
  const body = raw.operation.requestBody;
  if (!isObject(body) || !isObject(body.content)) return undefined;
  const json = body.content["application/json"];
  if (!isObject(json) || !isObject(json.schema)) return body;
  return { required: !raw.bodyIsOptional, ...jsonContent(json.schema, schemas) };
}
