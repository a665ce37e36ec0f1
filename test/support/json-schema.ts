import { isId } from "../../src/platform/ids.ts";

type Schema = Record<string, unknown>;

/** Keywords that say nothing about a value. */
const REMARKS = new Set(["title", "description", "examples", "default"]);

/**
 * What is wrong with `value` by the schema, as sentences with the place; none when it fits. Knows the part of JSON Schema
 * (2020-12) that the API's description uses and throws at any keyword beyond it, so that nothing passes unchecked.
 */
export function schemaFaults(value: unknown, schema: Schema, resolve: (reference: string) => Schema): string[] {
  return faultsAt("", value, schema, resolve);
}

type Resolve = (reference: string) => Schema;

function faultsAt(path: string, value: unknown, schema: Schema, resolve: Resolve): string[] {
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    if (REMARKS.has(keyword)) return [];
    const check = checks[keyword];
    if (!check) throw new Error(`the keyword ${keyword} is not known here; teach test/support/json-schema.ts`);
    return check({ path, value, wanted, schema, resolve });
  });
}

interface Question {
  path: string;
  value: unknown;
  wanted: unknown;
  schema: Schema;
  resolve: Resolve;
}

const checks: Readonly<Record<string, (question: Question) => string[]>> = {
  $ref: ({ path, value, wanted, resolve }) => faultsAt(path, value, resolve(String(wanted)), resolve),
  type: ({ path, value, wanted }) =>
    [wanted].flat().some((type) => isOfType(value, String(type))) ? [] : [`${path} should be ${wanted}`],
  const: ({ path, value, wanted }) => (Bun.deepEquals(value, wanted) ? [] : [`${path} should be ${wanted}`]),
  enum: ({ path, value, wanted }) =>
    (wanted as unknown[]).includes(value) ? [] : [`${path}: ${value} is not allowed`],
  anyOf: ({ path, value, wanted, resolve }) =>
    (wanted as Schema[]).some((one) => faultsAt(path, value, one, resolve).length === 0)
      ? []
      : [`${path} fits none of the variants`],
  allOf: ({ path, value, wanted, resolve }) =>
    (wanted as Schema[]).flatMap((one) => faultsAt(path, value, one, resolve)),
  properties: ({ path, value, wanted, resolve }) =>
    Object.entries(wanted as Record<string, Schema>).flatMap(([name, schema]) =>
      isObject(value) && name in value ? faultsAt(`${path}/${name}`, value[name], schema, resolve) : [],
    ),
  required: ({ path, value, wanted }) =>
    (wanted as string[])
      .filter((name) => isObject(value) && !(name in value))
      .map((name) => `${path}/${name} is missing`),
  additionalProperties: ({ path, value, wanted, schema, resolve }) => {
    const known = Object.keys((schema.properties ?? {}) as Schema);
    const others = isObject(value) ? Object.entries(value).filter(([name]) => !known.includes(name)) : [];
    if (wanted === true) return [];
    if (wanted === false) return others.map(([name]) => `${path}/${name} is not described`);
    return others.flatMap(([name, member]) => faultsAt(`${path}/${name}`, member, wanted as Schema, resolve));
  },
  items: ({ path, value, wanted, resolve }) =>
    Array.isArray(value)
      ? value.flatMap((item, place) => faultsAt(`${path}/${place}`, item, wanted as Schema, resolve))
      : [],
  minimum: ({ path, value, wanted }) =>
    typeof value === "number" && value < Number(wanted) ? [`${path} should be at least ${wanted}`] : [],
  maximum: ({ path, value, wanted }) =>
    typeof value === "number" && value > Number(wanted) ? [`${path} should be at most ${wanted}`] : [],
  minLength: ({ path, value, wanted }) =>
    typeof value === "string" && value.length < Number(wanted) ? [`${path} is too short`] : [],
  maxLength: ({ path, value, wanted }) =>
    typeof value === "string" && value.length > Number(wanted) ? [`${path} is too long`] : [],
  pattern: ({ path, value, wanted }) =>
    typeof value === "string" && !new RegExp(String(wanted), "u").test(value) ? [`${path} does not match`] : [],
  format: ({ path, value, wanted }) =>
    typeof value === "string" && !isInFormat(value, String(wanted)) ? [`${path} is not a ${wanted}`] : [],
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function isInFormat(value: string, format: string): boolean {
  if (format === "uuid") return isId(value);
  if (format === "date-time")
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value));
  throw new Error(`the format ${format} is not known here; teach test/support/json-schema.ts`);
}
