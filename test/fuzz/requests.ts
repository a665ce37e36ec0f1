import type { Operation } from "../support/openapi.ts";
import {
  type Chance,
  HOSTILE_TEXTS,
  hostileValue,
  type Schema,
  spoiled,
  type ValueSource,
  valueFor,
} from "./values.ts";

/** A request as it goes out; what is null is left out. */
export interface MadeRequest {
  operation: Operation;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: string | FormData | null;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
}

export interface DescribedOperation extends Operation {
  parameters: readonly Parameter[];
  /** By content type. */
  bodies: Readonly<Record<string, Schema>>;
}

type Node = Record<string, unknown>;

/** All operations of a description, with what their requests are made of. */
export function describedOperations(document: Node, resolve: (reference: string) => Schema): DescribedOperation[] {
  const whole = (node: Node): Node => (typeof node.$ref === "string" ? resolve(node.$ref) : node);
  return Object.entries(document.paths as Record<string, Record<string, Node>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const contents =
        operation.requestBody === undefined ? {} : (whole(operation.requestBody as Node).content as Node);
      return {
        method: method.toUpperCase(),
        path,
        parameters: ((operation.parameters ?? []) as Node[]).map((one) => whole(one) as unknown as Parameter),
        bodies: Object.fromEntries(
          Object.entries(contents).map(([type, content]) => [type, ((content as Node).schema ?? {}) as Schema]),
        ),
      };
    }),
  );
}

const asText = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** How often a part of a request is spoiled, of 1: most parts of most requests are good, so that the inside is reached. */
const SPOILED = { parameter: 0.15, body: 0.45, header: 0.1, surplus: 0.06, repeated: 0.05 } as const;

export function makeRequest(operation: DescribedOperation, source: ValueSource): MadeRequest {
  const { chance } = source;
  const textOf = (parameter: Parameter) =>
    asText(chance.isOnce(SPOILED.parameter) ? hostileValue(chance) : valueFor(parameter.schema ?? {}, source));
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find((one) => one.in === "path" && one.name === name);
    return encoded(parameter === undefined ? chance.oneOf(source.ids) : textOf(parameter)) || "-";
  });
  const query: string[] = [];
  for (const parameter of operation.parameters.filter((one) => one.in === "query")) {
    if (!parameter.required && chance.isOnce(0.5)) continue;
    const times = chance.isOnce(SPOILED.repeated) ? 3 : 1;
    for (let time = 0; time < times; time += 1) query.push(`${parameter.name}=${encoded(textOf(parameter))}`);
  }
  if (chance.isOnce(SPOILED.surplus)) query.push(`${encoded(chance.oneOf(HOSTILE_TEXTS))}=1`);
  const { body, type } = bodyFor(operation, source);
  return {
    operation,
    path: `${path}${query.length === 0 ? "" : `?${query.join("&")}`}`,
    headers: { ...headersFor(operation, source), ...(type === null ? {} : { "content-type": type }) },
    body,
  };
}

function headersFor({ parameters }: DescribedOperation, { chance }: ValueSource): Record<string, string> {
  const headers: Record<string, string> = {};
  if (parameters.some((one) => one.in === "header" && one.name.toLowerCase() === "idempotency-key")) {
    if (chance.isOnce(0.7)) headers["idempotency-key"] = `fuzz-${chance.whole(0, 400)}`;
  }
  if (chance.isOnce(SPOILED.header)) headers["idempotency-key"] = headerText(chance);
  if (chance.isOnce(SPOILED.header)) headers["x-request-id"] = headerText(chance);
  if (chance.isOnce(SPOILED.header)) headers["accept-language"] = headerText(chance);
  if (chance.isOnce(SPOILED.header)) headers["if-none-match"] = headerText(chance);
  if (chance.isOnce(SPOILED.header)) headers.range = chance.oneOf(["bytes=0-", "bytes=9-1", "bytes=-0", "lines=1-2"]);
  return headers;
}

/** Header values hold visible ASCII only; a client cannot send anything else. */
const headerText = (chance: Chance): string =>
  chance
    .oneOf(HOSTILE_TEXTS)
    .replace(/[^\x21-\x7e]/g, "~")
    .slice(0, 4_000);

const RAW_BODIES = [
  "",
  "{",
  "null",
  "[]",
  '"text"',
  "\u0000",
  "{}{}",
  '{"a":1,"a":2}',
  '{"__proto__":{"role":"owner"}}',
];
const STRANGE_TYPES = [
  "text/plain",
  "application/xml",
  "application/json; charset=utf-16",
  "multipart/form-data",
  "a/b/c",
];

function bodyFor({ method, bodies }: DescribedOperation, source: ValueSource) {
  const { chance } = source;
  if (method === "GET" || method === "HEAD") return { body: null, type: null };
  const types = Object.keys(bodies);
  if (types.length === 0)
    return chance.isOnce(0.9) ? { body: null, type: null } : { body: "{}", type: "application/json" };
  const type = chance.oneOf(types);
  const schema = bodies[type] ?? {};
  if (type === "multipart/form-data") return { body: formFor(schema, chance), type: null };
  if (chance.isOnce(0.08)) return { body: chance.oneOf(RAW_BODIES), type };
  const value = valueFor(schema, source);
  const body = JSON.stringify(chance.isOnce(SPOILED.body) ? spoiled(value, chance) : value) ?? "";
  return { body, type: chance.isOnce(0.04) ? chance.oneOf(STRANGE_TYPES) : type };
}

function formFor(schema: Schema, chance: Chance): FormData {
  const form = new FormData();
  const names = [...Object.keys((schema.properties ?? {}) as Node), "surplus"];
  for (let part = chance.whole(0, 3); part > 0; part -= 1) {
    const name = chance.oneOf(names);
    const text = chance.oneOf(HOSTILE_TEXTS);
    if (chance.isOnce(0.3)) form.append(name, text);
    else
      form.append(name, new File([text], text.slice(0, 100), { type: chance.oneOf(["image/jpeg", "image/png", ""]) }));
  }
  return form;
}

/** A lone half of a pair has no form in an address; a client sends the replacement character. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed()).replace(/^\.{1,2}$/, "%2e");

/** A request as one line, for whoever has to look into it. */
export function told({ operation, path, headers, body }: MadeRequest): string {
  const shown = body === null ? "" : body instanceof FormData ? " (a form)" : ` ${body.slice(0, 500)}`;
  return `${operation.method} ${path.slice(0, 500)} ${JSON.stringify(headers)}${shown}`;
}
