import { registerSchemaPath } from "@elysiajs/swagger/utils";
import { OptionalKind } from "@sinclair/typebox";
import type { AnyElysia } from "elysia";
import { REFUSAL_CODES, type RefusalCode } from "../refusals.ts";
import { isObject, type JsonSchema } from "./openapi-schema.ts";

/** A route as the router has it; the app's `routes`. */
export type RouterRoute = AnyElysia["routes"][number];

/** What the router says about one operation, before it is made right. Plain JSON. */
export interface RawOperation {
  /** `get`, `post` ...; a socket is opened by `get`. */
  method: string;
  /** With `{id}` for what varies, and without a slash at the end. */
  path: string;
  isSocket: boolean;
  /** As @elysiajs/swagger describes it, without its answers. */
  operation: JsonSchema;
  /** Chosen by the route; otherwise made of method and path. */
  operationId: string | undefined;
  bodyIsOptional: boolean;
  /** The route's own refusals, and its guard's. */
  refusals: readonly RefusalCode[];
  /** The schema of each answer by status; null where the answer has no body. */
  answers: Record<string, JsonSchema | null>;
}

type Hooks = RouterRoute["hooks"];

/**
 * Reads what @elysiajs/swagger collects from each route that is not hidden, one operation each. The plugin offers every
 * body and answer in three content types, drops `additionalProperties` of answers, does not know that a body may be left
 * out and passes over sockets, so that much is read from the route itself.
 */
export function readRoutes(routes: readonly RouterRoute[]): RawOperation[] {
  return routes.filter((route) => !isHidden(route)).map(readRoute);
}

/** Whether the route keeps out of the description. */
export function isHidden(route: RouterRoute): boolean {
  return (route.hooks as Hooks).detail?.hide === true;
}

function readRoute(route: RouterRoute): RawOperation {
  const hooks = route.hooks as Hooks;
  const isSocket = route.method === "WS";
  const method = isSocket ? "GET" : route.method;
  const paths: Record<string, Record<string, JsonSchema>> = {};
  registerSchemaPath({
    schema: paths as never,
    path: route.path,
    method: method as "GET",
    // Bodies are JSON unless a route describes its own.
    hook: { ...hooks, parse: ["application/json"], response: undefined },
    models: {},
  });
  const [path = "", methods = {}] = Object.entries(paths)[0] ?? [];
  const operation = plainJson(methods[method.toLowerCase()] ?? {});
  const refusals = Array.isArray(operation["x-refusals"]) ? operation["x-refusals"] : [];
  return {
    method: method.toLowerCase(),
    path: path.length > 1 ? path.replace(/\/$/, "") : path,
    isSocket,
    operation,
    operationId: hooks.detail?.operationId,
    bodyIsOptional: isObject(hooks.body) && OptionalKind in hooks.body,
    refusals: REFUSAL_CODES.filter((code) => refusals.includes(code)),
    answers: answersOf(hooks.response),
  };
}

function answersOf(response: unknown): RawOperation["answers"] {
  if (!isObject(response)) return {};
  const answers: RawOperation["answers"] = {};
  for (const [status, schema] of Object.entries(response)) {
    const plain = plainJson(schema as JsonSchema);
    answers[status] = plain.type === "void" ? null : plain;
  }
  return answers;
}

/** Without the symbols and absent members of TypeBox's schemas. */
function plainJson(value: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(value)) as JsonSchema;
}
